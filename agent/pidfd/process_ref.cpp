#include "agent/pidfd/process_ref.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/numbers.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace knell {
namespace {

constexpr char kStartTimeMark = 't';

Failure malformed() {
    return system_failure("parsing a reference to a process", EINVAL,
                          "it has the form PID:INODE or PID:tTICKS, with or without :BOOT_ID behind it");
}

// A whole decimal number, in the one form in which text() writes it.
std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool padded = text.size() > 1 && text.starts_with('0');
    if (error != std::errc{} || end != text.data() + text.size() || padded) {
        return std::nullopt;
    }
    return value;
}

// As the kernel writes one: 8-4-4-4-12 small hexadecimal digits.
bool is_boot_id(std::string_view text) {
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return std::ranges::equal(text, kForm, [](char c, char form) {
        return form == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

Result<std::string> read_boot_id() {
    auto text = read_small_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64);
    if (!text) {
        return failure_in("reading the boot's id", std::move(text.error()));
    }
    if (text->ends_with('\n')) {
        text->pop_back();
    }
    if (!is_boot_id(*text)) {
        return system_failure("reading the boot's id", EPROTO, "/proc/sys/kernel/random/boot_id holds no such thing");
    }
    return text;
}

// Takes the text up to the next ':' (or all of it) off the front.
std::string_view take_field(std::string_view& rest) {
    const std::string_view field = rest.substr(0, rest.find(':'));
    rest.remove_prefix(field.size());
    return field;
}

Result<std::uint64_t> start_ticks(const Pidfd& pidfd) {
    const auto directory = procfd::open(pidfd);
    const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
    return stat ? Result<std::uint64_t>(stat->start_ticks) : std::unexpected(stat.error());
}

Result<std::uint64_t> value_of(const Pidfd& pidfd, ProcessRef::Kind kind) {
    return kind == ProcessRef::Kind::inode ? pidfd.inode() : start_ticks(pidfd);
}

} // namespace

Result<ProcessRef> ProcessRef::of(const Pidfd& pidfd) {
    constexpr const char* kReferring = "referring to a process";
    const int flags = ::fcntl(pidfd.fd(), F_GETFL);
    if (flags < 0) {
        return problem(Problem::not_a_pidfd, kReferring);
    }
    if ((static_cast<unsigned>(flags) & abi::kPidfdThread) != 0) {
        return system_failure(kReferring, EINVAL, "the pidfd is a thread's, and open() opens processes");
    }
    const auto number = own_number(pidfd);
    if (!number) {
        return failure_in(kReferring, number.error());
    }
    const Kind kind = available(PidfdFeature::pidfs) ? Kind::inode : Kind::start_time;
    const auto value = value_of(pidfd, kind);
    if (!value) {
        return failure_in(kReferring, value.error());
    }
    auto boot_id = read_boot_id();
    if (!boot_id) {
        return failure_in(kReferring, std::move(boot_id.error()));
    }
    return ProcessRef(*number, kind, *value, std::move(*boot_id));
}

Result<ProcessRef> ProcessRef::parse(std::string_view text) {
    const auto pid = parse_number(take_field(text));
    if (!pid || *pid == 0 || *pid > std::numeric_limits<pid_t>::max() || !text.starts_with(':')) {
        return malformed();
    }
    text.remove_prefix(1);
    const Kind kind = text.starts_with(kStartTimeMark) ? Kind::start_time : Kind::inode;
    if (kind == Kind::start_time) {
        text.remove_prefix(1);
    }
    const auto value = parse_number(take_field(text));
    // The first process may have started at 0; no process has the inode 0 (Pidfd::inode() answers it for "none").
    if (!value || (kind == Kind::inode && *value == 0)) {
        return malformed();
    }
    if (!text.empty() && !is_boot_id(text.substr(1))) {
        return malformed();
    }
    auto boot_id = text.empty() ? read_boot_id() : Result<std::string>(text.substr(1));
    return boot_id ? Result<ProcessRef>(ProcessRef(static_cast<pid_t>(*pid), kind, *value, std::move(*boot_id)))
                   : std::unexpected(std::move(boot_id.error()));
}

Result<Pidfd> ProcessRef::open() const {
    const std::string tried = "opening process " + text();
    const auto boot_id = read_boot_id();
    if (!boot_id) {
        return failure_in(tried, boot_id.error());
    }
    if (*boot_id != boot_id_) {
        return problem(Problem::recycled, tried, "the reference is from another boot: the process ended with it");
    }
    if (kind_ == Kind::inode && !available(PidfdFeature::pidfs)) {
        return problem(Problem::kernel_too_old, tried, "pidfds have inodes since Linux 6.9: refer by start time");
    }
    auto pidfd = Pidfd::open(pid_);
    if (!pidfd && pidfd.error().errno_value == EINVAL) {
        // Threads get their numbers from the same supply.
        return problem(Problem::recycled, tried, "the process is gone and its number is a thread's now");
    }
    if (!pidfd) {
        return failure_in(tried, std::move(pidfd.error()));
    }
    const auto value = value_of(*pidfd, kind_);
    if (!value) {
        return failure_in(tried, value.error());
    }
    return *value == value_ ? std::move(pidfd) : problem(Problem::recycled, tried);
}

std::string ProcessRef::text() const {
    return std::to_string(pid_) + ':' + (kind_ == Kind::start_time ? std::string(1, kStartTimeMark) : std::string()) +
           std::to_string(value_);
}

std::string ProcessRef::stored_text() const {
    return text() + ':' + boot_id_;
}

} // namespace knell
