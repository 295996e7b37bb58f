#include "agent/cause/reason.hpp"

#include <charconv>
#include <csignal>
#include <cstddef>
#include <system_error>

namespace knell {
namespace {

// A wait status has seven bits for the signal.
constexpr int kNameCount = 128;
// The C library keeps the kernel's first two real-time signals (32, 33) for itself and calls the third SIGRTMIN. A
// constant, because SIGRTMIN is a call and other C libraries keep another number of them.
constexpr int kFirstRealTime = 34;
constexpr int kLastRealTime = 64;

struct Standard {
    int number;
    std::string_view name;
};

// By macro: the numbers differ between architectures.
constexpr auto kStandard = std::to_array<Standard>(
    {{SIGHUP, "SIGHUP"},       {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},   {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"},
     {SIGABRT, "SIGABRT"},     {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},     {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},
     {SIGSEGV, "SIGSEGV"},     {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"},   {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
     {SIGSTKFLT, "SIGSTKFLT"}, {SIGCHLD, "SIGCHLD"}, {SIGCONT, "SIGCONT"},   {SIGSTOP, "SIGSTOP"}, {SIGTSTP, "SIGTSTP"},
     {SIGTTIN, "SIGTTIN"},     {SIGTTOU, "SIGTTOU"}, {SIGURG, "SIGURG"},     {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"},
     {SIGVTALRM, "SIGVTALRM"}, {SIGPROF, "SIGPROF"}, {SIGWINCH, "SIGWINCH"}, {SIGIO, "SIGIO"},     {SIGPWR, "SIGPWR"},
     {SIGSYS, "SIGSYS"}});

constexpr std::string_view standard_name(int number) {
    for (const Standard& standard : kStandard) {
        if (standard.number == number) {
            return standard.name;
        }
    }
    return {};
}

class Name {
  public:
    constexpr void append(std::string_view text) {
        for (const char c : text) {
            text_[size_++] = c;
        }
    }
    constexpr void append(int number) {
        if (number >= 10) {
            append(number / 10);
        }
        text_[size_++] = static_cast<char>('0' + number % 10);
    }
    [[nodiscard]] constexpr std::string_view view() const { return {text_.data(), size_}; }

  private:
    std::array<char, 12> text_{}; // "SIGRTMIN+30"
    std::size_t size_ = 0;
};

constexpr Name make_name(int number) {
    Name name;
    if (const std::string_view standard = standard_name(number); !standard.empty()) {
        name.append(standard);
    } else if (number < kFirstRealTime || number > kLastRealTime) {
        name.append("SIG");
        name.append(number);
    } else {
        name.append("SIGRTMIN");
        if (number > kFirstRealTime) {
            name.append("+");
            name.append(number - kFirstRealTime);
        }
    }
    return name;
}

constexpr std::array<Name, kNameCount> make_names() {
    std::array<Name, kNameCount> names;
    for (int number = 0; number < kNameCount; ++number) {
        names[static_cast<std::size_t>(number)] = make_name(number);
    }
    return names;
}

constexpr std::array<Name, kNameCount> kNames = make_names();

constexpr std::string_view kPrefix = "SIG";

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool valid = error == std::errc() && end == text.data() + text.size();
    return valid && number >= 1 && number <= kLastRealTime ? std::optional(number) : std::nullopt;
}

} // namespace

std::string_view signal_name(int number) {
    if (number < 0 || number >= kNameCount) {
        return "SIG?"; // no wait status can say it
    }
    return kNames[static_cast<std::size_t>(number)].view();
}

std::optional<int> signal_number(std::string_view text) {
    if (const auto number = parse_number(text)) {
        return number;
    }
    if (text.starts_with(kPrefix)) {
        text.remove_prefix(kPrefix.size());
    }
    for (int number = 1; number <= kLastRealTime; ++number) {
        if (signal_name(number).substr(kPrefix.size()) == text) {
            return number;
        }
    }
    return std::nullopt;
}

} // namespace knell
