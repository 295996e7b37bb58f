#include "tests/bpf/acts.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

namespace knell::test {
namespace {

constexpr std::uint64_t kMemoryLimit = 16U << 20;
const std::string kTooMuch = "64"; // MiB

void send(pid_t target, int signal) {
    if (::kill(target, signal) != 0) {
        must(Result<>(system_failure("kill " + std::to_string(target), errno)));
    }
}

Sender dying(pid_t pid) {
    return {.pid = pid, .exe = ""};
}

} // namespace

Victim cgroup_killed(Scene& scene) {
    const TestCgroup& group = scene.keep(TestCgroup::unified());
    Victim victim = Victim::itself(scene.start_ready({"sleep"}, {.cgroup_procs = group.procs_path()}));
    victim.cgroup = path_in_hierarchy(group);
    must(group.write("cgroup.kill", "1"));
    return victim;
}

Act out_of_memory(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) {
        const TestCgroup& group = scene.keep(TestCgroup::with_memory_limit(kMemoryLimit));
        Victim victim = Victim::itself(scene.start(arguments, {.cgroup_procs = group.procs_path()}));
        victim.cgroup = path_in_hierarchy(group);
        return victim;
    };
}

Victim child_out_of_memory(Scene& scene) {
    const Victim parent = out_of_memory({"eat-memory-child", kTooMuch})(scene);
    Victim victim = Victim::child_of(parent.pid, Scene::next_child(*parent.process));
    victim.cgroup = parent.cgroup;
    must(parent.process->read_after("ready"));
    return victim;
}

Act sharing_out_of_memory(bool the_other_one) {
    return [the_other_one](Scene& scene) {
        Victim victim = out_of_memory({"eat-memory-shared", kTooMuch})(scene);
        const pid_t other = Scene::next_child(*victim.process);
        if (the_other_one) {
            victim.pid = other;
            victim.process = nullptr;
            victim.adopted = true;
        }
        return victim;
    };
}

Victim group_out_of_memory(Scene& scene) {
    const TestCgroup& group = scene.keep(TestCgroup::with_memory_limit(kMemoryLimit));
    must(group.write("memory.oom.group", "1"));
    Victim victim = Victim::itself(scene.start_ready({"sleep"}, {.cgroup_procs = group.procs_path()}));
    victim.cgroup = path_in_hierarchy(group);
    scene.start({"eat-memory", kTooMuch}, {.cgroup_procs = group.procs_path()});
    return victim;
}

Victim namespace_ends(Scene& scene) {
    Process& process = scene.start({"pidns-init", "3"});
    const pid_t init = Scene::next_child(process);
    Victim victim = Victim::child_of(init, Scene::next_child(process));
    victim.helper = dying(init);
    return victim;
}

Act outer_namespace_ends(bool inner_init) {
    return [inner_init](Scene& scene) {
        Process& process = scene.start({"pidns-nested"});
        const pid_t outer = Scene::next_child(process);
        const pid_t inner = Scene::next_child(process);
        const pid_t sleeper = Scene::next_child(process);
        Victim victim = inner_init ? Victim::child_of(outer, inner) : Victim::child_of(inner, sleeper);
        victim.helper = dying(outer);
        return victim;
    };
}

Victim namespace_init_stopped(Scene& scene) {
    Process& process = scene.start({"pidns-sleep"});
    const Victim victim = Victim::child_of(process.pid(), Scene::next_child(process));
    send(victim.pid, SIGTERM);
    send(victim.pid, SIGKILL);
    return victim;
}

Victim namespace_reboots(Scene& scene) {
    Process& process = scene.start({"pidns-reboot"});
    Victim victim = Victim::child_of(process.pid(), Scene::next_child(process));
    send(victim.pid, SIGUSR1);
    victim.told_status = static_cast<int>(must(parse_number(must(process.read_after("status")))));
    return victim;
}

Victim killed_in_namespace(Scene& scene) {
    Process& process = scene.start({"pidns-kill", "KILL"});
    const pid_t init = Scene::next_child(process);
    Victim victim = Victim::child_of(init, Scene::next_child(process));
    victim.helper.pid = Scene::next_child(process);
    return victim;
}

} // namespace knell::test
