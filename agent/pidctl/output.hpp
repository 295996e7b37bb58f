#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/problem.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace knell {

// Results for people are text, for machines one JSON object a line. Absent is what is not known. Whatever a process can
// name is made fit for where it goes: to_terminal() in text, to_utf8() in JSON.
using Json = nlohmann::ordered_json;

// One line. It is on its way when this returns: a reader of a pipe sees it now.
Result<> print_json(const Json& object);
Result<> print_line(const std::string& text);

// How a process ended, from its wait status: `exit_code`, or `signal` and `core_dumped`; "exit 7", "signal SIGKILL",
// "signal SIGSEGV (core)".
void put_exit(Json& object, int wait_status);
std::string exit_phrase(int wait_status);

// Prints {"error": {"problem": "recycled", "errno": "ESTALE", "message": ...}}. What cannot be printed is said on
// standard error all the same.
void tell_machine(const Error& error, Problem problem);

// Of failures with an exit status of their own: tells it as `json` says, and on standard error; returns `status`.
int tell_failure(const Error& error, Problem problem, bool json, int status);

} // namespace knell
