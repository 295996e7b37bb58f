// What the pidfd library reads of processes: stat, fdinfo, and references as people and files hold them.
#include "agent/cli/process_argument.hpp"
#include "agent/pidfd/proc_fields.hpp"
#include "agent/pidfd/process_ref.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/fuzz/promise.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

void check_stat(std::string_view text) {
    const auto stat = procfd::parse_stat(text);
    require(stat ? text.contains('(' + stat->comm + ')') : stat.error().errno_value == EPROTO,
            "a name is what stands between the brackets");
    // Whatever a process calls itself, it cannot move the fields behind its name.
    const auto named = procfd::parse_stat(
        fmt::format("1 ({}) Z 7 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0 18446744073709551615 0 0 0 0 0 0 0 0 "
                    "0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 256\n",
                    text));
    require(named && named->comm == text && named->state == 'Z' && named->ppid == 7 && named->start_ticks == 99 &&
                named->exit_status == 256,
            "a name moves no field", text);
}

void check_numbers(std::string_view text) {
    const auto numbers = find_numbers(text, "Pid");
    if (numbers) {
        require(!numbers->empty(), "a line that is there has a number");
        require(find_numbers(fmt::format("x\nPid:\t{}\n", fmt::join(*numbers, "\t")), "Pid") == numbers,
                "what was read reads the same again");
    }
}

void check_reference(std::string_view text) {
    const auto reference = ProcessRef::parse(text);
    if (reference) {
        require(reference->pid() > 0 && text.starts_with(reference->text()), "a reference has one form",
                reference->text());
        const auto stored = ProcessRef::parse(reference->stored_text());
        require(stored && *stored == *reference, "what is stored is found again", reference->stored_text());
    } else {
        require(reference.error().errno_value == EINVAL, "the text alone is wrong", reference.error().message);
    }
    const auto argument = ProcessArgument::parse(text);
    require(argument ? argument->number().has_value() != reference.has_value() && argument->number().value_or(1) > 0
                     : !reference && is_harmless(argument.error().message),
            "an argument is a number or a reference", argument ? argument->text() : argument.error().message);
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = knell::fuzz::as_text(data, size);
    knell::fuzz::check_stat(text);
    knell::fuzz::check_numbers(text);
    knell::fuzz::check_reference(text);
    return 0;
}
