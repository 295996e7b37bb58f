#include "exporters/prometheus/process_families.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/stat.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace knell {

namespace {

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<std::uint64_t> open_descriptors() {
    // Since Linux 6.2 (fs/proc/fd.c, proc_fd_getattr) the directory's size is the answer, without a walk over tens of
    // thousands of pidfds; before, it is 0.
    struct stat directory{};
    if (::stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
        return static_cast<std::uint64_t>(directory.st_size);
    }
    std::error_code error;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
         entry.increment(error)) {
        ++count;
    }
    // The directory that is being read is one of them.
    return !error && count > 0 ? std::optional(count - 1) : std::nullopt;
}

// Unix time of our start. The kernel gives it in ticks since boot; both clocks are read once, because a step of
// CLOCK_REALTIME must not look like a restart.
double start_time(const procfd::Stat& stat) {
    static const double boot = to_seconds(read_clock(CLOCK_REALTIME)) - to_seconds(read_clock(CLOCK_BOOTTIME));
    return boot + to_seconds(stat.start_ticks * clock_tick());
}

void collect_stat(const FamilySink& sink) {
    constexpr std::size_t kMaxLine = 4096;
    const Result<std::string> line = read_small_file(AT_FDCWD, "/proc/self/stat", kMaxLine);
    const auto stat = line ? procfd::parse_stat(*line) : std::unexpected(line.error());
    if (stat) {
        emit_single(sink, families::kResident, to_sample(stat->resident_pages) * static_cast<double>(::getpagesize()));
        emit_single(sink, families::kVirtual, to_sample(stat->virtual_bytes));
        emit_single(sink, families::kStartTime, start_time(*stat));
    }
}

} // namespace

void collect_process(const FamilySink& sink) {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        emit_single(sink, families::kCpu, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    }
    collect_stat(sink);
    if (const auto open = open_descriptors()) {
        emit_single(sink, families::kOpenFds, to_sample(*open));
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        emit_single(sink, families::kMaxFds, to_sample(limit.rlim_cur));
    }
}

} // namespace knell
