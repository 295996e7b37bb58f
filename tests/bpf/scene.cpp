#include "tests/bpf/scene.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <utility>

namespace knell::test {

Scene::Scene() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Scene::~Scene() {
    processes_.clear();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) { // orphans that ended
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

Result<Process*> Scene::start(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    std::vector<std::string> argv = {die_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    Result<Process> process = Process::start(argv, options);
    if (!process) {
        return Failure(process.error());
    }
    return &processes_.emplace_back(std::move(*process));
}

Result<Process*> Scene::start_ready(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    Result<Process*> process = start(arguments, options);
    if (process) {
        if (const Result<std::string> ready = (*process)->read_after("ready"); !ready) {
            return Failure(ready.error());
        }
    }
    return process;
}

Result<pid_t> Scene::next_child(Process& process) {
    return process.read_after("child").and_then(parse_number).transform([](long pid) {
        return static_cast<pid_t>(pid);
    });
}

Result<TestCgroup*> Scene::keep(Result<TestCgroup> group) {
    if (!group) {
        return Failure(group.error());
    }
    return &groups_.emplace_back(std::move(*group));
}

Result<TempDir*> Scene::make_directory() {
    Result<TempDir> directory = TempDir::create();
    if (!directory) {
        return Failure(directory.error());
    }
    return &directories_.emplace_back(std::move(*directory));
}

} // namespace knell::test
