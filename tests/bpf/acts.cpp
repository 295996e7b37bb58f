#include "tests/bpf/acts.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

namespace knell::test {

Act ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) { return Victim::itself(scene.start(arguments)); };
}

Act child_ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) {
        Process& parent = scene.start(arguments);
        return Victim::child_of(parent.pid(), Scene::next_child(parent));
    };
}

Act killed(std::vector<std::string> arguments, std::vector<int> signals) {
    return [arguments = std::move(arguments), signals = std::move(signals)](Scene& scene) {
        Process& process = scene.start_ready(arguments);
        for (const int signal : signals) {
            must(process.kill(signal));
        }
        return Victim::itself(process);
    };
}

Act orphaned(std::string signal) {
    return [signal = std::move(signal)](Scene& scene) {
        Process& parent = scene.start({"pdeathsig", signal});
        Victim victim = Victim::child_of(::getpid(), Scene::next_child(parent));
        victim.helper = {.pid = parent.pid(), .exe = ""};
        victim.adopted = true;
        return victim;
    };
}

Act orphaned_by_a_thread(std::string signal) {
    return [signal = std::move(signal)](Scene& scene) {
        Process& parent = scene.start({"pdeathsig-thread", signal});
        Victim victim = Victim::child_of(parent.pid(), Scene::next_child(parent));
        victim.helper = {.pid = parent.pid(), .exe = ""};
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
    Victim victim = Victim::itself(scene.start({"killed-by-child", "KILL"}));
    victim.helper.pid = Scene::next_child(*victim.process);
    return victim;
}

Victim killed_at_birth(Scene& scene) {
    Victim victim = child_ends({"kill-child", "KILL"})(scene);
    victim.helper.pid = victim.ppid;
    return victim;
}

Victim process_group_killed(Scene& scene) {
    const Victim victim = Victim::itself(scene.start_ready({"sleep"}, {.own_group = true}));
    if (::kill(-victim.pid, SIGKILL) != 0) {
        must(Result<>(system_failure("kill a process group", errno)));
    }
    return victim;
}

Victim core_dumped(Scene& scene) {
    return Victim::itself(scene.start({"coredump", scene.make_directory().path()}));
}

Victim executed_by_a_thread(Scene& scene) {
    const std::filesystem::path program = scene.make_directory().path() / "renamed";
    std::filesystem::create_symlink(die_path(), program);
    Victim victim = Victim::itself(scene.start({"exec-thread", program, "exit", "8"}));
    victim.comm = program.filename();
    return victim;
}

Victim other_user_ends(Scene& scene) {
    Victim victim = Victim::itself(scene.start({"user", "65534"}));
    victim.uid = 65534;
    return victim;
}

} // namespace knell::test
