// Starts the program of its arguments, says which process it became, waits for it and says how it ended. Its own exit
// status is the one a shell would give: the program's, or 128 and the signal that killed it.

#include <knell/pidfd/pidfd.hpp>
#include <knell/pidfd/process_ref.hpp>
#include <knell/pidfd/spawn.hpp>

#include <sys/wait.h>

#include <cstring>
#include <iostream>
#include <string>

namespace {

std::string explain(int status) {
    if (WIFEXITED(status)) {
        return "exited with " + std::to_string(WEXITSTATUS(status));
    }
    return "was killed by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")" +
           (WCOREDUMP(status) ? ", core dumped" : "");
}

knell::Result<int> supervise(const knell::SpawnOptions& options) {
    auto child = knell::Pidfd::spawn(options);
    if (!child) {
        return std::unexpected(child.error());
    }
    // Names this process and no later one: fit for a log, a state file, another tool.
    auto reference = knell::ProcessRef::of(*child);
    if (!reference) {
        return std::unexpected(reference.error());
    }
    std::cout << "started " << reference->text() << std::endl;

    auto status = child->wait();
    if (!status) {
        return std::unexpected(status.error());
    }
    std::cout << reference->text() << " " << explain(**status) << std::endl;
    return WIFEXITED(**status) ? WEXITSTATUS(**status) : 128 + WTERMSIG(**status);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: " << argv[0] << " PROGRAM [ARGUMENT...]\n";
        return 2;
    }
    knell::SpawnOptions options;
    options.argv.assign(argv + 1, argv + argc);
    auto code = supervise(options);
    if (!code) {
        std::cerr << argv[0] << ": " << code.error().message << "\n";
        return 1;
    }
    return *code;
}
