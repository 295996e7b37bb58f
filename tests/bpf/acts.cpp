#include "tests/bpf/acts.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

namespace knell::test {
namespace {

Victim itself(Process& process) {
    Victim victim;
    victim.pid = process.pid();
    victim.ppid = ::getpid();
    victim.process = &process;
    return victim;
}

// A grandchild whose parent reaps it.
Victim child_of(pid_t parent, pid_t child) {
    Victim victim;
    victim.pid = child;
    victim.ppid = parent;
    return victim;
}

void send(pid_t target, int signal) {
    if (::kill(target, signal) != 0) {
        must(Result<>(system_failure("kill " + std::to_string(target), errno)));
    }
}

// `die send` against a process, or a process group if the number is negative. Who did it.
pid_t send_from_sibling(Scene& scene, pid_t target, const std::string& signal, const std::string& how) {
    Process& sender = scene.start({"send", std::to_string(target), signal, how});
    if (must(sender.wait()) != 0) {
        must(Result<>(failure("die send " + signal + " " + how + " failed")));
    }
    return sender.pid();
}

// Below the root of its hierarchy, as TestCgroup makes them.
std::string path_in_hierarchy(const TestCgroup& group) {
    return "/" + group.path().filename().string();
}

} // namespace

Act ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) { return itself(scene.start(arguments)); };
}

Act child_ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) {
        Process& parent = scene.start(arguments);
        return child_of(parent.pid(), Scene::next_child(parent));
    };
}

Act killed(std::vector<std::string> arguments, std::vector<int> signals) {
    return [arguments = std::move(arguments), signals = std::move(signals)](Scene& scene) {
        Process& process = scene.start_ready(arguments);
        for (const int signal : signals) {
            must(process.kill(signal));
        }
        return itself(process);
    };
}

Act killed_by_sibling(std::string signal, std::string how) {
    return [signal = std::move(signal), how = std::move(how)](Scene& scene) {
        Victim victim = itself(scene.start_ready({"sleep"}));
        victim.helper = send_from_sibling(scene, victim.pid, signal, how);
        return victim;
    };
}

Act orphaned(std::string signal) {
    return [signal = std::move(signal)](Scene& scene) {
        Process& parent = scene.start({"pdeathsig", signal});
        Victim victim = child_of(::getpid(), Scene::next_child(parent));
        victim.helper = parent.pid();
        victim.adopted = true;
        return victim;
    };
}

Victim renamed_killed(Scene& scene) {
    const std::string comm = "\x1b[2J\n\"\\{}\xff";
    Victim victim = killed({"rename", comm}, {SIGKILL})(scene);
    victim.comm = comm;
    return victim;
}

Victim killed_by_its_child(Scene& scene) {
    Victim victim = itself(scene.start({"killed-by-child", "KILL"}));
    victim.helper = Scene::next_child(*victim.process);
    return victim;
}

Victim process_group_killed(Scene& scene) {
    const Victim victim = itself(scene.start_ready({"sleep"}, {.own_group = true}));
    send(-victim.pid, SIGKILL);
    return victim;
}

Victim process_group_killed_by_sibling(Scene& scene) {
    Victim victim = itself(scene.start_ready({"sleep"}, {.own_group = true}));
    victim.helper = send_from_sibling(scene, -victim.pid, "TERM", "kill");
    return victim;
}

Victim namespace_ends(Scene& scene) {
    Process& process = scene.start({"pidns-init", "3"});
    const pid_t init = Scene::next_child(process);
    Victim victim = child_of(init, Scene::next_child(process));
    victim.helper = init;
    return victim;
}

Victim namespace_init_stopped(Scene& scene) {
    Process& process = scene.start({"pidns-sleep"});
    const Victim victim = child_of(process.pid(), Scene::next_child(process));
    send(victim.pid, SIGTERM);
    send(victim.pid, SIGKILL);
    return victim;
}

Victim cgroup_killed(Scene& scene) {
    const TestCgroup& group = scene.keep(TestCgroup::unified());
    Victim victim = itself(scene.start_ready({"sleep"}, {.cgroup_procs = group.procs_path()}));
    victim.cgroup = path_in_hierarchy(group);
    must(group.write("cgroup.kill", "1"));
    return victim;
}

Victim out_of_memory(Scene& scene) {
    const TestCgroup& group = scene.keep(TestCgroup::with_memory_limit(16U << 20));
    Victim victim = itself(scene.start({"eat-memory", "64"}, {.cgroup_procs = group.procs_path()}));
    victim.cgroup = path_in_hierarchy(group);
    return victim;
}

Victim core_dumped(Scene& scene) {
    return itself(scene.start({"coredump", scene.make_directory().path()}));
}

Victim executed_by_a_thread(Scene& scene) {
    const std::filesystem::path program = scene.make_directory().path() / "renamed";
    std::filesystem::create_symlink(die_path(), program);
    Victim victim = itself(scene.start({"exec-thread", program, "exit", "8"}));
    victim.comm = program.filename();
    return victim;
}

Victim other_user_ends(Scene& scene) {
    Victim victim = itself(scene.start({"user", "65534"}));
    victim.uid = 65534;
    return victim;
}

} // namespace knell::test
