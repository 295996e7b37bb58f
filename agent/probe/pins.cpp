#include "agent/probe/pins.hpp"

#include <bpf/bpf.h>

#include <cerrno>

namespace knell::pins {

Result<> create(int fd, const std::string& path) {
    if (const int error = bpf_obj_pin(fd, path.c_str())) {
        return system_failure("pinning " + path, -error);
    }
    return {};
}

Result<Fd> open(const std::string& path) {
    const int fd = bpf_obj_get(path.c_str());
    if (fd < 0) {
        return system_failure("opening the pin " + path, -fd);
    }
    return Fd(fd);
}

} // namespace knell::pins
