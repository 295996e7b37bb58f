#include "bench/group.hpp"

#include "agent/attribution/hierarchies.hpp"
#include "bench/program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace knell::bench {

Result<Group> Group::make() {
    static int made = 0;
    auto hierarchies = open_hierarchies();
    if (!hierarchies) {
        return std::unexpected(std::move(hierarchies.error()));
    }
    if (!hierarchies->v2) {
        return failure("cgroup2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified");
    }
    std::string unit = "knell-bench-" + std::to_string(::getpid()) + "-" + std::to_string(++made) + ".service";
    std::string path = hierarchies->v2->link + "/" + unit;
    if (::mkdir(path.c_str(), 0755) != 0) {
        return system_failure("making the cgroup " + path, errno);
    }
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        const int error = errno;
        (void)::rmdir(path.c_str());
        return system_failure("opening the cgroup " + path, error);
    }
    return Group(std::move(path), std::move(unit), std::move(directory));
}

Group::~Group() {
    if (directory_) {
        (void)kill();
        // EBUSY until the last process is reaped.
        (void)eventually([this] { return ::rmdir(path_.c_str()) == 0 || errno != EBUSY; }, 10 * kSecond);
    }
}

Result<> Group::kill() const {
    const Fd file(::openat(directory_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), "1", 1) != 1) {
        return system_failure("writing cgroup.kill of " + path_, errno);
    }
    return {};
}

} // namespace knell::bench
