#include "agent/pidctl/namespace_argument.hpp"

#include "agent/input/quoted.hpp"
#include "agent/pidfd/pidns.hpp"
#include "agent/pidfd/problem.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

namespace knell {
namespace {

Result<Fd> open_path(const std::string& path) {
    const std::string tried = "opening the pid namespace " + knell::quoted(path);
    // Not waiting, should somebody have put a pipe there.
    Fd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!space) {
        switch (errno) {
        case EACCES:
            return problem(Problem::no_permission, tried);
        case ESRCH:
            return problem(Problem::gone, tried);
        default:
            return system_failure(tried, errno);
        }
    }
    if (::ioctl(space.get(), NS_GET_NSTYPE) != CLONE_NEWPID) {
        return system_failure(tried, EINVAL, "it stands for no pid namespace: name a /proc/PID/ns/pid");
    }
    return space;
}

Result<Fd> open_of(const ProcessArgument& process) {
    const auto pidfd = process.open();
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    auto space = pidns::of(*pidfd);
    return space ? std::move(space) : failure_in("process " + process.text(), std::move(space.error()));
}

} // namespace

Result<NamespaceArgument> NamespaceArgument::parse(std::string_view text) {
    if (text.contains('/')) {
        return NamespaceArgument(std::string(text));
    }
    auto process = ProcessArgument::parse(text);
    if (!process) {
        return std::unexpected(Error{fmt::format("{} is no pid namespace (write a path like /proc/PID/ns/pid, or a PID "
                                                 "or PID:INODE that is in it)",
                                                 knell::quoted(text)),
                                     EINVAL});
    }
    return NamespaceArgument(std::move(*process));
}

Result<Fd> NamespaceArgument::open() const {
    const auto* path = std::get_if<std::string>(&named_);
    return path != nullptr ? open_path(*path) : open_of(std::get<ProcessArgument>(named_));
}

Result<std::string> namespace_text(const Fd& space, std::string_view kind) {
    struct stat about{};
    if (::fstat(space.get(), &about) != 0) {
        return system_failure("fstat of a namespace", errno);
    }
    return fmt::format("{}:[{}]", kind, about.st_ino);
}

} // namespace knell
