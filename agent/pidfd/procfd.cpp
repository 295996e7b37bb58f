#include "agent/pidfd/procfd.hpp"

#include "agent/base/file.hpp"

#include <charconv>
#include <fcntl.h>
#include <unistd.h>

namespace knell::procfd {
namespace {

// The process's number in the procfs mounted at /proc, from the pidfd's fdinfo: -1 = reaped, 0 = not visible there.
Result<int> number_of(const Pidfd& pidfd) {
    const std::string path = "/proc/thread-self/fdinfo/" + std::to_string(pidfd.fd());
    auto text = read_small_file(AT_FDCWD, path.c_str(), 4096);
    if (!text) {
        return failure_in("reading a pidfd's number", std::move(text.error()));
    }
    constexpr std::string_view kField = "\nPid:\t";
    const std::size_t at = text->find(kField);
    int number = 0;
    if (at == std::string::npos) {
        return system_failure("reading a pidfd's number: " + path + " has no Pid line", ENOTTY);
    }
    const char* first = text->data() + at + kField.size();
    if (std::from_chars(first, text->data() + text->size(), number).ec != std::errc{}) {
        return system_failure("reading a pidfd's number: " + path + " has a malformed Pid line", EPROTO);
    }
    return number;
}

// The number while the process holds it; the two refusals become errors.
Result<int> live_number_of(const Pidfd& pidfd) {
    auto number = number_of(pidfd);
    if (!number) {
        return number;
    }
    if (*number < 0) {
        return system_failure("opening the /proc directory of a process", ESRCH, "it was reaped");
    }
    if (*number == 0) {
        return system_failure("opening the /proc directory of a process", EREMOTE,
                              "it is not visible in the procfs mounted at /proc");
    }
    return number;
}

} // namespace

Result<Fd> open(const Pidfd& pidfd) {
    auto before = live_number_of(pidfd);
    if (!before) {
        return std::unexpected(std::move(before.error()));
    }
    const std::string path = "/proc/" + std::to_string(*before);
    Fd directory(::open(path.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY));
    const int open_errno = errno;
    auto after = live_number_of(pidfd);
    if (!after) {
        return std::unexpected(std::move(after.error()));
    }
    if (!directory) {
        // Alive before and after, yet no directory: hidepid=1 answers EPERM, hidepid=2 ENOENT.
        const int hidden = open_errno == EPERM || open_errno == ENOENT ? EACCES : open_errno;
        return system_failure(
            "opening " + path, hidden,
            "the process lives; /proc is probably mounted with hidepid and CAP_SYS_PTRACE is missing");
    }
    return directory;
}

} // namespace knell::procfd
