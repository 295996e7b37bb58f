#include "tests/bpf/scene.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

namespace knell::test {

int Victim::reap() const {
    return must(process != nullptr ? process->wait() : test::reap(pid));
}

Scene::Scene() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Scene::~Scene() {
    processes_.clear();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) { // orphans that ended
    }
    while (!groups_.empty()) { // groups within groups before those around them
        groups_.pop_back();
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

Process& Scene::start(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    std::vector<std::string> argv = {die_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return processes_.emplace_back(must(Process::start(argv, options)));
}

Process& Scene::start_ready(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    Process& process = start(arguments, options);
    must(process.read_after("ready"));
    return process;
}

pid_t Scene::next_child(Process& process) {
    return static_cast<pid_t>(must(parse_number(must(process.read_after("child")))));
}

TestCgroup& Scene::keep(Result<TestCgroup> group) {
    return groups_.emplace_back(must(std::move(group)));
}

TempDir& Scene::make_directory() {
    return directories_.emplace_back(must(TempDir::create()));
}

} // namespace knell::test
