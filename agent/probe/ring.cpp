#include "agent/probe/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace knell {
namespace {

// Resident while it is mapped, whatever is in it. Mapping and unmapping cost as much per byte of records whatever the
// size: the kernel enters page by page.
constexpr std::size_t kMostOfAWindow = 256U << 10;

std::size_t page_bytes() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A page more than the step by which it moves: what begins at its end has room.
std::size_t window_bytes(std::size_t ring_bytes) {
    return std::min(ring_bytes, kMostOfAWindow) + page_bytes();
}

} // namespace

// The map shows the consumer's page, the producers' page, then the data twice in a row, so that a record never wraps.
Result<Ring> Ring::map(int map_fd, std::size_t bytes) {
    const std::size_t page = page_bytes();
    Fd map(::fcntl(map_fd, F_DUPFD_CLOEXEC, 0));
    if (!map) {
        return system_failure("keeping the ring open", errno);
    }
    void* consumer = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (consumer == MAP_FAILED) {
        return system_failure("mapping the ring's consumer page", errno);
    }
    void* producer = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, map.get(), static_cast<off_t>(page));
    if (producer == MAP_FAILED) {
        const int error = errno;
        ::munmap(consumer, page);
        return system_failure("mapping the ring's producer page", error);
    }
    Ring ring(std::move(map), consumer, producer, bytes);
    if (!ring.move_window(*ring.consumer_position())) {
        return system_failure("mapping the ring's data", errno);
    }
    return ring;
}

Ring::Ring(Fd map, void* consumer, void* producer, std::size_t bytes)
    : map_(std::move(map)), consumer_page_(consumer), producer_page_(producer), bytes_(bytes) {}

Ring::Ring(Ring&& other) noexcept
    : map_(std::move(other.map_)), consumer_page_(std::exchange(other.consumer_page_, nullptr)),
      producer_page_(std::exchange(other.producer_page_, nullptr)), bytes_(other.bytes_),
      window_(std::exchange(other.window_, nullptr)), window_begin_(other.window_begin_),
      window_bytes_(std::exchange(other.window_bytes_, 0)) {}

Ring::~Ring() {
    if (consumer_page_ != nullptr) {
        ::munmap(consumer_page_, page_bytes());
        ::munmap(producer_page_, page_bytes());
    }
    if (window_ != nullptr) {
        ::munmap(window_, window_bytes(bytes_));
    }
}

// Anew, not over the old one: a MAP_FIXED that fails has unmapped it already, and by the next try another thread may
// have got the addresses.
bool Ring::move_window(std::uint64_t position) {
    const std::size_t page = page_bytes();
    const std::uint64_t begin = position & ~static_cast<std::uint64_t>(page - 1);
    const auto offset = static_cast<off_t>(2 * page + (begin & (bytes_ - 1)));
    if (window_ != nullptr) {
        ::munmap(window_, window_bytes(bytes_));
        window_ = nullptr;
        window_bytes_ = 0;
    }
    void* window = ::mmap(nullptr, window_bytes(bytes_), PROT_READ, MAP_SHARED, map_.get(), offset);
    if (window == MAP_FAILED) {
        return false;
    }
    window_ = static_cast<std::byte*>(window);
    window_begin_ = begin;
    window_bytes_ = window_bytes(bytes_);
    return true;
}

std::size_t Ring::used_bytes() const {
    const std::uint64_t consumed = __atomic_load_n(consumer_position(), __ATOMIC_ACQUIRE);
    const std::uint64_t produced = __atomic_load_n(producer_position(), __ATOMIC_ACQUIRE);
    return static_cast<std::size_t>(produced - consumed);
}

} // namespace knell
