#include "exporters/jsonl/line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace knell {

namespace {

constexpr std::size_t kMaxKept = 256ULL << 10;

// Whole lines of up to PIPE_BUF bytes together, which stay whole among those of other writers to the same pipe
// (pipe(7)); a longer line in one piece.
std::string_view next_piece(std::string_view text) {
    if (text.size() <= PIPE_BUF) {
        return text;
    }
    const std::size_t last = text.rfind('\n', PIPE_BUF - 1);
    return text.substr(0, (last != std::string_view::npos ? last : text.find('\n')) + 1);
}

// The output may take more later. Anything else is the end of it, for now at least.
bool passes(int errno_value) {
    return errno_value == EAGAIN || errno_value == ENOSPC || errno_value == EDQUOT || errno_value == ENOMEM ||
           errno_value == ENOBUFS;
}

LineLoss loss_of(int errno_value) {
    switch (errno_value) {
    case EAGAIN:
        return LineLoss::slow_reader;
    case EPIPE:
    case ECONNRESET:
        return LineLoss::reader_gone;
    case ENOSPC:
    case EDQUOT:
        return LineLoss::no_space;
    default:
        return LineLoss::other;
    }
}

} // namespace

bool LineWriter::write(std::string_view line) {
    if (!flush()) {
        drop(1);
        return false;
    }
    const bool blocked = !kept_.empty();
    if (blocked && kept_.size() + line.size() > kMaxKept) {
        drop(1);
        return true;
    }
    kept_ += line;
    return blocked || flush();
}

bool LineWriter::flush() {
    std::size_t done = 0;
    while (done < kept_.size()) {
        const ssize_t wrote = output_.write(next_piece(std::string_view(kept_).substr(done)));
        if (wrote > 0) {
            done += static_cast<std::size_t>(wrote);
            continue;
        }
        const int error = wrote < 0 ? errno : EAGAIN;
        if (error == EINTR) {
            continue;
        }
        last_errno_.store(error, std::memory_order_relaxed);
        kept_.erase(0, done);
        if (passes(error)) {
            return true;
        }
        drop(waiting());
        kept_.clear();
        return false;
    }
    kept_.clear();
    return true;
}

void LineWriter::drain(Nanoseconds patience) {
    const Instant deadline = monotonic_now() + patience;
    while (flush() && !kept_.empty()) {
        const Instant now = monotonic_now();
        // Readiness says nothing about a full disk: waiting would spin.
        if (last_errno() != EAGAIN || now >= deadline || !output_.wait_writable(deadline - now)) {
            return;
        }
    }
}

void LineWriter::give_up() {
    drop(waiting());
    kept_.clear();
}

std::uint64_t LineWriter::waiting() const {
    return static_cast<std::uint64_t>(std::ranges::count(kept_, '\n'));
}

std::uint64_t LineWriter::dropped() const {
    std::uint64_t sum = 0;
    for (const Counter& count : dropped_) {
        sum += count.value();
    }
    return sum;
}

void LineWriter::drop(std::uint64_t lines) {
    dropped_[static_cast<std::size_t>(loss_of(last_errno()))].add(lines);
}

} // namespace knell
