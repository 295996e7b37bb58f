#include "tests/bpf/acts.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace knell::test {
namespace {

// The cgroups of a scene's homes, made when somebody moves in.
class Homes {
  public:
    explicit Homes(Scene& scene) : scene_(scene) {}

    // nullptr: the host, where this process is.
    const TestCgroup* find(Home home) {
        switch (home) {
        case Home::host:
            break;
        case Home::container:
            return &made(container_, 'a');
        case Home::other_container:
            return &made(other_container_, 'b');
        }
        return nullptr;
    }

    [[nodiscard]] ProcessOptions options(Home home) {
        const TestCgroup* group = find(home);
        return {.cgroup_procs = group != nullptr ? group->procs_path() : ""};
    }

  private:
    const TestCgroup& made(const TestCgroup*& group, char digit) {
        if (group == nullptr) {
            group = &scene_.make_container(digit);
        }
        return *group;
    }

    Scene& scene_;
    const TestCgroup* container_ = nullptr;
    const TestCgroup* other_container_ = nullptr;
};

using Words = std::vector<std::string>;

Words as_user(uid_t uid, Words way) {
    if (uid != 0) {
        way.insert(way.begin(), {"user", std::to_string(uid)});
    }
    return way;
}

// Returns when the sibling has ended well: the signal is sent. What an event should say of it.
Sender act(Scene& scene, const Sibling& sibling, Words way, const ProcessOptions& options = {}) {
    way = as_user(sibling.uid, std::move(way));
    if (!sibling.comm.empty()) {
        way.insert(way.begin(), {"rename", sibling.comm});
    }
    Process& process = sibling.exe.empty() ? scene.start(way, options) : scene.start_copy(sibling.exe, way, options);
    if (must(process.wait()) != 0) {
        must(Result<>(failure("a sibling could not do its part")));
    }
    Sender sender{.pid = process.pid(), .uid = sibling.uid};
    sender.exe = sibling.exe.empty() ? sender.exe : sibling.exe;
    sender.comm = (sibling.comm.empty() ? sender.exe : sibling.comm).substr(0, 15); // as the kernel keeps it
    return sender;
}

Words send(pid_t target, const std::string& signal, const std::string& how) {
    return {"send", std::to_string(target), signal, how};
}

Victim start_victim(Scene& scene, Homes& homes, Home home, uid_t uid) {
    Victim victim = Victim::itself(scene.start_ready(as_user(uid, {"sleep"}), homes.options(home)));
    victim.uid = uid;
    if (const TestCgroup* group = homes.find(home)) {
        victim.cgroup = path_in_hierarchy(*group);
    }
    return victim;
}

} // namespace

Act killed_by_sibling(std::string signal, std::string how) {
    return [signal = std::move(signal), how = std::move(how)](Scene& scene) {
        Victim victim = Victim::itself(scene.start_ready({"sleep"}));
        victim.helper = act(scene, {}, send(victim.pid, signal, how));
        return victim;
    };
}

Act killed_by(Sibling sibling, Home victim_home) {
    return [sibling = std::move(sibling), victim_home](Scene& scene) {
        Homes homes(scene);
        Victim victim = start_victim(scene, homes, victim_home, sibling.uid);
        victim.helper = act(scene, sibling, send(victim.pid, "KILL", "kill"), homes.options(sibling.home));
        return victim;
    };
}

Act cgroup_killed_by(Sibling sibling) {
    return [sibling = std::move(sibling)](Scene& scene) {
        Homes homes(scene);
        Victim victim = start_victim(scene, homes, Home::container, sibling.uid);
        const std::string file = homes.find(Home::container)->path() / "cgroup.kill";
        victim.helper = act(scene, sibling, {"write", file, "1"}, homes.options(sibling.home));
        return victim;
    };
}

Act process_group_killed_by_sibling(std::string signal, std::string how) {
    return [signal = std::move(signal), how = std::move(how)](Scene& scene) {
        Victim victim = Victim::itself(scene.start_ready({"sleep"}, {.own_group = true}));
        const pid_t target = how == "kill" ? -victim.pid : victim.pid; // a pidfd is of the group's leader
        victim.helper = act(scene, {}, send(target, signal, how));
        return victim;
    };
}

bool pidfds_signal_groups() {
    constexpr unsigned kSignalProcessGroup = 1U << 2; // PIDFD_SIGNAL_PROCESS_GROUP, which older headers lack
    const Fd own_group = open_pidfd(::getpid());
    return ::syscall(SYS_pidfd_send_signal, own_group.get(), 0, nullptr, kSignalProcessGroup) == 0 || errno != EINVAL;
}

Victim thread_killed_by_sibling(Scene& scene) {
    Process& process = scene.start({"threads", "2"});
    const std::string thread = must(process.read_after("thread"));
    must(process.read_after("ready"));
    Victim victim = Victim::itself(process);
    Words way = send(victim.pid, "TERM", "tgkill");
    way.push_back(thread);
    victim.helper = act(scene, {}, way);
    return victim;
}

Victim asked_then_killed_by_sibling(Scene& scene) {
    Victim victim = killed({"term-ignore"}, {SIGTERM})(scene);
    victim.helper = act(scene, {}, send(victim.pid, "KILL", "kill"));
    return victim;
}

Victim killed_from_outer_namespace(Scene& scene) {
    Process& process = scene.start({"pidns-parent"});
    const pid_t init = Scene::next_child(process);
    Victim victim = Victim::child_of(init, Scene::next_child(process));
    victim.helper = act(scene, {}, send(victim.pid, "KILL", "kill"));
    return victim;
}

Victim killed_by_a_tracer(Scene& scene) {
    Victim victim = Victim::itself(scene.start_ready({"sleep"}));
    victim.helper = act(scene, {}, {"trace-then-kill", std::to_string(victim.pid)});
    return victim;
}

Victim killed_by_a_tracers_end(Scene& scene) {
    Victim victim = Victim::itself(scene.start_ready({"sleep"}));
    victim.helper = act(scene, {}, {"trace-then-exit", std::to_string(victim.pid)});
    victim.helper.exe = ""; // the kernel kills in its name while it dies
    return victim;
}

} // namespace knell::test
