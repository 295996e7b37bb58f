#include "agent/probe/ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace knell {
namespace {

std::size_t page_bytes() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The producers' position, the data, and a page of the data's second mapping.
std::size_t producer_bytes(std::size_t bytes) {
    return page_bytes() + bytes + page_bytes();
}

} // namespace

Result<Ring> Ring::map(int map_fd, std::size_t bytes) {
    const std::size_t page = page_bytes();
    void* consumer = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (consumer == MAP_FAILED) {
        return system_failure("mapping the ring's consumer page", errno);
    }
    // The kernel has the data twice in a row, so that a record never wraps. A page of the second time holds what is
    // left of any record of ours; all of it would count as resident memory once more.
    void* producer = ::mmap(nullptr, producer_bytes(bytes), PROT_READ, MAP_SHARED, map_fd, static_cast<off_t>(page));
    if (producer == MAP_FAILED) {
        const int error = errno;
        ::munmap(consumer, page);
        return system_failure("mapping the ring's data", error);
    }
    return Ring(consumer, producer, bytes);
}

Ring::Ring(void* consumer, void* producer, std::size_t bytes)
    : consumer_page_(consumer), producer_pages_(producer),
      data_(static_cast<const std::byte*>(producer) + page_bytes()), bytes_(bytes) {}

Ring::Ring(Ring&& other) noexcept
    : consumer_page_(std::exchange(other.consumer_page_, nullptr)),
      producer_pages_(std::exchange(other.producer_pages_, nullptr)), data_(other.data_), bytes_(other.bytes_) {}

Ring::~Ring() {
    if (consumer_page_ != nullptr) {
        ::munmap(consumer_page_, page_bytes());
        ::munmap(producer_pages_, producer_bytes(bytes_));
    }
}

std::size_t Ring::used_bytes() const {
    const std::uint64_t consumed = __atomic_load_n(consumer_position(), __ATOMIC_ACQUIRE);
    const std::uint64_t produced = __atomic_load_n(producer_position(), __ATOMIC_ACQUIRE);
    return static_cast<std::size_t>(produced - consumed);
}

} // namespace knell
