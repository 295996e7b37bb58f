#pragma once

#include "tests/bpf/scene.hpp"

#include <functional>
#include <string>
#include <vector>

namespace knell::test {

// How somebody is brought to die. Returns when the end is certain, not when it has come. Failures are thrown.
using Act = std::function<Victim(Scene&)>;

// `die` with these arguments ends by itself.
Act ends(std::vector<std::string> arguments);
// So does the child that it tells of.
Act child_ends(std::vector<std::string> arguments);
// `die` with these arguments gets these signals from this process once it is ready.
Act killed(std::vector<std::string> arguments, std::vector<int> signals);
// `die sleep` gets the signal from a sibling, the helper, by the named system call (see `die send`).
Act killed_by_sibling(std::string signal, std::string how);
// A child asked for this signal at its parent's death; the parent is the helper.
Act orphaned(std::string signal);

// A process with a name that no terminal, label or file should get as it is.
Victim renamed_killed(Scene& scene);
Victim killed_by_its_child(Scene& scene); // the helper
Victim process_group_killed(Scene& scene);
Victim process_group_killed_by_sibling(Scene& scene);
// A process in a pid namespace whose init, the helper, ends.
Victim namespace_ends(Scene& scene);
// The init of a pid namespace, stopped as a runtime stops a container: SIGTERM, which a namespace's init ignores unless
// it has a handler, then SIGKILL. By this process, which is not its parent.
Victim namespace_init_stopped(Scene& scene);
Victim cgroup_killed(Scene& scene);
Victim out_of_memory(Scene& scene);
Victim core_dumped(Scene& scene);
// A thread that is not the leader executes a program with another name.
Victim executed_by_a_thread(Scene& scene);
Victim other_user_ends(Scene& scene);

} // namespace knell::test
