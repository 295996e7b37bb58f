#pragma once

#include "tests/bpf/scene.hpp"

#include <functional>
#include <string>
#include <vector>

namespace knell::test {

// How somebody is brought to die. Returns when the end is certain, not when it has come. Failures are thrown.
using Act = std::function<Victim(Scene&)>;

// ---- acts.cpp: whoever they are, wherever they live

// `die` with these arguments ends by itself.
Act ends(std::vector<std::string> arguments);
// So does the child that it tells of.
Act child_ends(std::vector<std::string> arguments);
// `die` with these arguments gets these signals from this process once it is ready.
Act killed(std::vector<std::string> arguments, std::vector<int> signals);
// A child asked for this signal at its parent's death; the parent is the helper.
Act orphaned(std::string signal);
// The same at the death of the thread that forked it. Its process, the helper, lives on.
Act orphaned_by_a_thread(std::string signal);

// A process with a name that no terminal, label or file should get as it is.
Victim renamed_killed(Scene& scene);
Victim killed_by_its_child(Scene& scene); // the helper
// By its parent, the helper, in the moment of its birth.
Victim killed_at_birth(Scene& scene);
Victim process_group_killed(Scene& scene);
Victim core_dumped(Scene& scene);
// A thread that is not the leader executes a program with another name.
Victim executed_by_a_thread(Scene& scene);
Victim other_user_ends(Scene& scene);

// ---- acts_senders.cpp: killed by a sibling, the helper

// The sibling's home, and the victim's.
enum class Home { host, container, other_container };

struct Sibling {
    std::string exe{};  // name of its executable, a copy of `die`; empty = that of `die`
    std::string comm{}; // how it calls itself; empty = its executable's name
    uid_t uid = 0;      // the victim is this user, too
    Home home = Home::host;
};

// `die sleep` gets the signal by the named system call (see `die send`).
Act killed_by_sibling(std::string signal, std::string how);
// It gets SIGKILL from a sibling that is somebody.
Act killed_by(Sibling sibling, Home victim = Home::host);
// The sibling writes to the cgroup.kill of the victim's container.
Act cgroup_killed_by(Sibling sibling);
// A process group gets the signal by the named system call.
Act process_group_killed_by_sibling(std::string signal, std::string how);
// Whether `how` may be "pidfd-group". Linux 6.9.
bool pidfds_signal_groups();
// A thread that is not the leader gets SIGTERM.
Victim thread_killed_by_sibling(Scene& scene);
// SIGTERM, which it ignores, from this process; then SIGKILL from the sibling.
Victim asked_then_killed_by_sibling(Scene& scene);
// The victim is in a pid namespace, the sibling outside of it.
Victim killed_from_outer_namespace(Scene& scene);
// The sibling traces it.
Victim killed_by_a_tracer(Scene& scene);
Victim killed_by_a_tracers_end(Scene& scene); // PTRACE_O_EXITKILL

// ---- acts_places.cpp: cgroups and pid namespaces

Victim cgroup_killed(Scene& scene);
// `die` with these arguments in a memory cgroup of 16 MiB.
Act out_of_memory(std::vector<std::string> arguments);
// The child that it tells of; its parent lives on.
Victim child_out_of_memory(Scene& scene);
// Two processes have the same memory: the one that the scene started, and the other one.
Act sharing_out_of_memory(bool the_other_one);
// A sleeper in a memory cgroup with memory.oom.group in which another process eats the memory.
Victim group_out_of_memory(Scene& scene);

// A process in a pid namespace whose init, the helper, ends.
Victim namespace_ends(Scene& scene);
// The same with a namespace within the namespace: its init, or a process in it.
Act outer_namespace_ends(bool inner_init);
// The init of a pid namespace, stopped as a runtime stops a container: SIGTERM, which a namespace's init ignores unless
// it has a handler, then SIGKILL. By this process, which is not its parent.
Victim namespace_init_stopped(Scene& scene);
// The init of a pid namespace calls reboot(2), which ends the namespace.
Victim namespace_reboots(Scene& scene);
// The helper is in the same pid namespace, which is not ours.
Victim killed_in_namespace(Scene& scene);

} // namespace knell::test
