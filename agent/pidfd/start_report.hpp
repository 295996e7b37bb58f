#pragma once

namespace knell {

// The steps from clone to the program, in their order.
enum class StartStep : int {
    none, // nothing has failed
    guard,
    clone,
    tie_to_guard,
    session,
    process_group,
    working_directory,
    close_descriptors,
    place_descriptor,
    descriptor_limit,
    signal_mask,
    exec,
};

// What a child tells about the step that failed, in one write that is small enough to be atomic on a pipe. Not
// installed.
struct StartReport {
    StartStep step = StartStep::none;
    int errno_value = 0;
    int detail = 0; // place_descriptor: index in SpawnOptions::descriptors; exec: index of the file that was tried
};

} // namespace knell
