#include "tests/bpf/scene.hpp"

#include "tests/bpf/event_log.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace knell::test {
namespace {

std::vector<std::string> command(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

} // namespace

Victim Victim::itself(Process& process) {
    Victim victim;
    victim.pid = process.pid();
    victim.ppid = ::getpid();
    victim.process = &process;
    return victim;
}

Victim Victim::child_of(pid_t parent, pid_t child) {
    Victim victim;
    victim.pid = child;
    victim.ppid = parent;
    return victim;
}

std::optional<int> Victim::status() const {
    if (process != nullptr) {
        return must(process->wait());
    }
    return adopted ? must(test::reap(pid)) : told_status;
}

std::string path_in_hierarchy(const TestCgroup& group) {
    const std::string path = group.path();
    return path.substr(path.find("/knell-test-")); // they are below the root
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
    return processes_.emplace_back(must(Process::start(command(die_path(), arguments), options)));
}

Process& Scene::start_copy(const std::string& name, const std::vector<std::string>& arguments,
                           const ProcessOptions& options) {
    const std::filesystem::path copy = make_directory().path() / name;
    std::filesystem::copy_file(die_path(), copy);
    std::optional<Result<Process>> process;
    // ETXTBSY, once in thousands of starts: who walks through the open files of all processes, as agents do when they
    // start, holds each for a moment, and so may keep this one open for writing longer than we did.
    eventually([&] {
        process.emplace(Process::start(command(copy, arguments), options));
        return *process || process->error().errno_value != ETXTBSY;
    });
    return processes_.emplace_back(must(std::move(*process)));
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

TestCgroup& Scene::make_container(char digit) {
    const TestCgroup& parent = keep(TestCgroup::unified());
    return keep(TestCgroup::inside(parent, "docker-" + std::string(64, digit) + ".scope"));
}

TempDir& Scene::make_directory() {
    return directories_.emplace_back(must(TempDir::create()));
}

} // namespace knell::test
