#include "tests/bpf/acts.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>

namespace knell::test {
namespace {

Victim itself(Process* process) {
    return {.pid = process->pid(), .ppid = ::getpid(), .process = process};
}

// `die send` against a process, or a process group if the number is negative.
Result<pid_t> send_from_sibling(Scene& scene, pid_t target, const std::string& signal, const std::string& how) {
    const Result<Process*> sender = scene.start({"send", std::to_string(target), signal, how});
    if (!sender) {
        return Failure(sender.error());
    }
    const Result<int> status = (*sender)->wait();
    if (!status) {
        return Failure(status.error());
    }
    return *status == 0 ? Result<pid_t>((*sender)->pid()) : failure("die send failed");
}

// Below the root of its hierarchy, as TestCgroup makes them.
std::string path_in_hierarchy(const TestCgroup& group) {
    return "/" + group.path().filename().string();
}

} // namespace

Act ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) { return scene.start(arguments).transform(itself); };
}

Act child_ends(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](Scene& scene) {
        return scene.start(arguments).and_then([](Process* parent) {
            return Scene::next_child(*parent).transform([parent](pid_t child) {
                return Victim{.pid = child, .ppid = parent->pid()};
            });
        });
    };
}

Act killed(std::vector<std::string> arguments, std::vector<int> signals) {
    return [arguments = std::move(arguments), signals = std::move(signals)](Scene& scene) -> Result<Victim> {
        const Result<Process*> process = scene.start_ready(arguments);
        if (!process) {
            return Failure(process.error());
        }
        for (const int signal : signals) {
            if (const Result<> sent = (*process)->kill(signal); !sent) {
                return Failure(sent.error());
            }
        }
        return itself(*process);
    };
}

Act killed_by_sibling(std::string signal, std::string how) {
    return [signal = std::move(signal), how = std::move(how)](Scene& scene) -> Result<Victim> {
        const Result<Process*> process = scene.start_ready({"sleep"});
        if (!process) {
            return Failure(process.error());
        }
        Victim victim = itself(*process);
        return send_from_sibling(scene, victim.pid, signal, how).transform([victim](pid_t sender) mutable {
            victim.helper = sender;
            return victim;
        });
    };
}

Act orphaned(std::string signal) {
    return [signal = std::move(signal)](Scene& scene) {
        return scene.start({"pdeathsig", signal}).and_then([](Process* parent) {
            return Scene::next_child(*parent).transform([parent](pid_t child) {
                return Victim{.pid = child, .ppid = ::getpid(), .helper = parent->pid(), .adopted = true};
            });
        });
    };
}

Result<Victim> killed_by_its_child(Scene& scene) {
    return scene.start({"killed-by-child", "KILL"}).and_then([](Process* process) {
        return Scene::next_child(*process).transform([process](pid_t child) {
            Victim victim = itself(process);
            victim.helper = child;
            return victim;
        });
    });
}

Result<Victim> process_group_killed(Scene& scene) {
    const Result<Process*> leader = scene.start_ready({"sleep"}, {.own_group = true});
    if (leader && ::kill(-(*leader)->pid(), SIGKILL) != 0) {
        return system_failure("kill a process group", errno);
    }
    return leader.transform(itself);
}

Result<Victim> process_group_killed_by_sibling(Scene& scene) {
    const Result<Process*> leader = scene.start_ready({"sleep"}, {.own_group = true});
    if (!leader) {
        return Failure(leader.error());
    }
    Victim victim = itself(*leader);
    return send_from_sibling(scene, -victim.pid, "TERM", "kill").transform([victim](pid_t sender) mutable {
        victim.helper = sender;
        return victim;
    });
}

Result<Victim> namespace_ends(Scene& scene) {
    const Result<Process*> process = scene.start({"pidns-init", "3"});
    if (!process) {
        return Failure(process.error());
    }
    const Result<pid_t> init = Scene::next_child(**process);
    const Result<pid_t> member = Scene::next_child(**process);
    if (!init || !member) {
        return Failure(init ? member.error() : init.error());
    }
    return Victim{.pid = *member, .ppid = *init, .helper = *init};
}

Result<Victim> namespace_init_killed(Scene& scene) {
    // The namespace's other member is in a queue to be told by, so the init is still there.
    const Result<Process*> process = scene.start({"pidns-sleep"});
    if (!process) {
        return Failure(process.error());
    }
    const Result<pid_t> init = Scene::next_child(**process);
    if (!init) {
        return Failure(init.error());
    }
    if (::kill(*init, SIGKILL) != 0) {
        return system_failure("kill the init of a pid namespace", errno);
    }
    return Victim{.pid = *init, .ppid = (*process)->pid()};
}

Result<Victim> cgroup_killed(Scene& scene) {
    const Result<TestCgroup*> group = scene.keep(TestCgroup::unified());
    if (!group) {
        return Failure(group.error());
    }
    const Result<Process*> member = scene.start_ready({"sleep"}, {.cgroup_procs = (*group)->procs_path()});
    if (!member) {
        return Failure(member.error());
    }
    if (const Result<> written = (*group)->write("cgroup.kill", "1"); !written) {
        return Failure(written.error());
    }
    Victim victim = itself(*member);
    victim.cgroup = path_in_hierarchy(**group);
    return victim;
}

Result<Victim> out_of_memory(Scene& scene) {
    const Result<TestCgroup*> group = scene.keep(TestCgroup::with_memory_limit(16U << 20));
    if (!group) {
        return Failure(group.error());
    }
    return scene.start({"eat-memory", "64"}, {.cgroup_procs = (*group)->procs_path()})
        .transform([&group](Process* member) {
            Victim victim = itself(member);
            victim.cgroup = path_in_hierarchy(**group);
            return victim;
        });
}

Result<Victim> core_dumped(Scene& scene) {
    const Result<TempDir*> directory = scene.make_directory();
    return directory.and_then([&scene](TempDir* into) { return ends({"coredump", into->path()})(scene); });
}

Result<Victim> executed_by_a_thread(Scene& scene) {
    const Result<TempDir*> directory = scene.make_directory();
    if (!directory) {
        return Failure(directory.error());
    }
    const std::filesystem::path program = (*directory)->path() / "renamed";
    std::error_code error;
    std::filesystem::create_symlink(die_path(), program, error);
    if (error) {
        return system_failure("symlink " + program.string(), error.value());
    }
    return ends({"exec-thread", program, "exit", "8"})(scene).transform([](Victim victim) {
        victim.comm = "renamed";
        return victim;
    });
}

Result<Victim> other_user_ends(Scene& scene) {
    return ends({"user", "65534"})(scene).transform([](Victim victim) {
        victim.uid = 65534;
        return victim;
    });
}

} // namespace knell::test
