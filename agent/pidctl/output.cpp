#include "agent/pidctl/output.hpp"

#include "agent/base/text.hpp"
#include "agent/cause/reason.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace knell {

Result<> print_json(const Json& object) {
    return print_line(object.dump());
}

Result<> print_line(const std::string& text) {
    const std::string line = text + '\n';
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
        return system_failure("writing to standard output", errno);
    }
    return {};
}

void put_exit(Json& object, int wait_status) {
    if (WIFEXITED(wait_status)) {
        object["exit_code"] = WEXITSTATUS(wait_status);
    } else {
        object["signal"] = signal_name(WTERMSIG(wait_status));
        object["core_dumped"] = WCOREDUMP(wait_status) != 0;
    }
}

std::string exit_phrase(int wait_status) {
    if (WIFEXITED(wait_status)) {
        return fmt::format("exit {}", WEXITSTATUS(wait_status));
    }
    return fmt::format("signal {}{}", signal_name(WTERMSIG(wait_status)), WCOREDUMP(wait_status) ? " (core)" : "");
}

void tell_machine(const Error& error, Problem problem) {
    Json object{{"problem", name_of(problem)}};
    if (const char* name = ::strerrorname_np(error.errno_value); error.errno_value != 0 && name != nullptr) {
        object["errno"] = name;
    }
    object["message"] = to_utf8(error.message);
    (void)print_json(Json{{"error", std::move(object)}});
}

int tell_failure(const Error& error, Problem problem, bool json, int status) {
    if (json) {
        tell_machine(error, problem);
    }
    fmt::print(stderr, "pidctl: {}\n", to_terminal(error.message)); // it quotes what others chose
    return status;
}

} // namespace knell
