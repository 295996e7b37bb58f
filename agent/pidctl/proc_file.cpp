#include "agent/pidctl/proc_file.hpp"

#include "agent/input/quoted.hpp"
#include "agent/pidfd/problem.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

namespace knell {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kMostBytes = 1 << 20;

// What the kernel means by it here.
Failure explain(const std::string& tried, int errno_value) {
    switch (errno_value) {
    case ESRCH:
        return problem(Problem::gone, tried);
    case EACCES:
    case EPERM:
        return problem(Problem::no_permission, tried, "it takes the same user, or CAP_SYS_PTRACE");
    case ELOOP:
        return system_failure(tried, ELOOP, "it is a link, and what it points to is no file of /proc: see readlink(1)");
    case EXDEV:
        return system_failure(tried, EXDEV, "another file system is mounted there");
    case EISDIR:
        return system_failure(tried, EISDIR, "name a file in it");
    default:
        return system_failure(tried, errno_value);
    }
}

} // namespace

Result<std::string> ProcFile::check_name(const std::string& name) {
    const auto upwards = [](auto part) { return std::string_view(part.begin(), part.end()) == ".."; };
    if (name.empty() || name.starts_with('/') || std::ranges::any_of(name | std::views::split('/'), upwards)) {
        return failure(knell::quoted(name) + " is no file of a process (write a path below its /proc directory, like "
                                             "status)");
    }
    return name;
}

Result<ProcFile> ProcFile::open(const Fd& directory, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    Fd fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof(how))));
    if (!fd) {
        return explain("opening " + knell::quoted(name), errno);
    }
    return ProcFile(std::move(fd), name);
}

Result<> ProcFile::read(const std::function<Result<>(std::string_view piece)>& take) const {
    std::string buffer(kPieceBytes, '\0');
    for (;;) {
        const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return explain("reading " + knell::quoted(name_), errno);
        }
        if (count == 0) {
            return {};
        }
        if (auto taken = take(std::string_view(buffer).substr(0, static_cast<std::size_t>(count))); !taken) {
            return taken;
        }
    }
}

Result<std::string> ProcFile::read_all() const {
    std::string content;
    auto done = read([&](std::string_view piece) -> Result<> {
        if (content.size() + piece.size() > kMostBytes) {
            return system_failure("reading " + knell::quoted(name_), EFBIG, "it is streamed without --json");
        }
        content += piece;
        return {};
    });
    return done ? Result<std::string>(std::move(content)) : std::unexpected(std::move(done.error()));
}

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        }
        for (std::size_t digit = 0; digit < 4; ++digit) {
            text += digit <= group.size() ? kDigits[bits >> (18 - 6 * digit) & 0x3FU] : '=';
        }
    }
    return text;
}

} // namespace knell
