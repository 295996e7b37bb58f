// Lines to a reader that takes what it likes when it likes: each arrives whole and in order, or is counted as lost.
#include "exporters/jsonl/line_writer.hpp"

#include "agent/base/fd.hpp"
#include "tests/fuzz/promise.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <span>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

struct Pipe {
    Pipe() {
        int ends[2] = {-1, -1};
        require(::pipe2(ends, O_CLOEXEC) == 0, "there are pipes");
        reader = Fd(ends[0]);
        writer = Fd(ends[1]);
        require(::fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0, "a reader need not wait");
        (void)::fcntl(writer.get(), F_SETPIPE_SZ, 4096);
    }
    Fd reader;
    Fd writer;
};

// Up to `most` bytes of what has arrived.
std::string take(const Fd& reader, std::size_t most) {
    std::string bytes(most, '\0');
    const ssize_t got = ::read(reader.get(), bytes.data(), bytes.size());
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

// "NUMBER xxx...": `length` is that of the filling.
std::string make_line(std::uint64_t number, std::size_t length) {
    return fmt::format("{} {}\n", number, std::string(length, 'x'));
}

// How many lines there are; they are whole, and their numbers ascend.
std::uint64_t count_lines(std::string_view received) {
    std::uint64_t count = 0;
    std::uint64_t next = 0;
    require(received.empty() || received.ends_with('\n'), "no line is torn");
    for (std::size_t begin = 0; begin < received.size(); ++count) {
        const std::string_view line = next_part(received, begin, '\n');
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        require(error == std::errc{} && number >= next, "lines come in order", line);
        require(std::string_view(end, line.data() + line.size()).find_first_not_of('x', 1) == std::string_view::npos,
                "lines are not mixed", line);
        next = number + 1;
    }
    return count;
}

} // namespace
} // namespace knell::fuzz

// Each byte is a step: write a line, short or up to 8 KiB long, or read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    std::signal(SIGPIPE, SIG_IGN);
    fuzz::Pipe pipe;
    LineWriter lines(Output::borrow(pipe.writer.get()));
    std::string received;
    std::uint64_t written = 0;
    for (const std::uint8_t step : std::span(data, size)) {
        const std::size_t amount = (step & 0x20U) != 0 ? (step & 0x1FU) * 256UL : step & 0x1FU;
        if ((step & 0xC0U) != 0) {
            fuzz::require(lines.write(fuzz::make_line(written++, amount)), "a slow reader is no failure");
        } else {
            received += fuzz::take(pipe.reader, amount);
            fuzz::require(lines.flush(), "a slow reader is no failure");
        }
    }
    for (std::string piece = fuzz::take(pipe.reader, 65536); !piece.empty(); piece = fuzz::take(pipe.reader, 65536)) {
        received += piece;
        fuzz::require(lines.flush(), "a slow reader is no failure");
    }
    fuzz::require(fuzz::count_lines(received) + lines.dropped() == written, "every line arrives or is counted");

    pipe.reader.reset();
    fuzz::require(!lines.write("x\n") && lines.dropped(LineLoss::reader_gone) == 1 && lines.waiting() == 0,
                  "a reader that left is noticed");
    return 0;
}
