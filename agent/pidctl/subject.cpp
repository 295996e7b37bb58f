#include "agent/pidctl/subject.hpp"

#include "agent/base/text.hpp"
#include "agent/pidfd/process_ref.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include <nlohmann/json.hpp>

namespace knell {

Subject Subject::of(const Pidfd& pidfd) {
    Subject subject;
    if (const auto reference = ProcessRef::of(pidfd)) {
        subject.process = reference->text();
        subject.pid = reference->pid();
    }
    const auto directory = procfd::open(pidfd);
    const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
    if (stat) {
        subject.comm = stat->comm;
    }
    return subject;
}

void put_subject(Json& object, const Subject& subject) {
    if (!subject.process.empty()) {
        object["process"] = subject.process;
    }
    if (subject.pid) {
        object["pid"] = *subject.pid;
    }
    if (!subject.comm.empty()) {
        object["comm"] = to_utf8(subject.comm);
    }
}

} // namespace knell
