#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <system_error>
#include <utility>

namespace knell::test {

Result<TempDir> TempDir::create() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    if (error) {
        return system_failure("find the directory for temporary files", error.value(), "does $TMPDIR exist?");
    }
    std::string name = parent / "knell-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        return system_failure("mkdtemp " + name, errno);
    }
    return TempDir(name);
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir::~TempDir() {
    if (!path_.empty()) {
        std::error_code ignored; // a leftover in /tmp must not hide the test's own result
        std::filesystem::remove_all(path_, ignored);
    }
}

} // namespace knell::test
