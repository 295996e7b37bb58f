#pragma once

#include "agent/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace knell {

// The consumer's side of a BPF ring buffer (kernel/bpf/ringbuf.c), mapped into memory. Ours rather than libbpf's
// because a drain has to be bounded, and libbpf 1.1 reads until the producers stop. One consumer thread; used_bytes()
// from any thread.
class Ring {
  public:
    // `map_fd` is borrowed for the call; the mappings keep the ring alive. `bytes` is the map's max_entries. No record
    // that wraps is longer than a page (the longest of bpf/events.h has a few hundred bytes).
    static Result<Ring> map(int map_fd, std::size_t bytes);
    Ring(Ring&& other) noexcept;
    Ring& operator=(Ring&&) = delete;
    Ring(const Ring&) = delete;
    ~Ring();

    // Gives up to `limit` records to `handler(std::span<const std::byte>)`, each aligned to 8 bytes and valid during
    // the call only. Stops early at a record that its producer has not committed yet. Returns how many it gave.
    template <typename Handler>
    std::size_t drain(std::size_t limit, Handler&& handler);

    // Reserved by producers and not drained yet. 0 = empty; records still being written count.
    [[nodiscard]] std::size_t used_bytes() const;
    [[nodiscard]] std::size_t capacity_bytes() const { return bytes_; }

  private:
    // A record's header: its length with two flags on top, see BPF_RINGBUF_*_BIT in include/uapi/linux/bpf.h.
    static constexpr std::uint32_t kBusy = 1U << 31;
    static constexpr std::uint32_t kDiscarded = 1U << 30;
    static constexpr std::size_t kHeaderBytes = 8;
    static constexpr std::size_t kPublishEvery = 256;

    Ring(void* consumer, void* producer, std::size_t bytes);
    [[nodiscard]] std::uint64_t* consumer_position() const { return static_cast<std::uint64_t*>(consumer_page_); }
    [[nodiscard]] const std::uint64_t* producer_position() const {
        return static_cast<const std::uint64_t*>(producer_pages_);
    }

    void* consumer_page_;  // read-write: our position
    void* producer_pages_; // read-only: the producers' position, the data, and its first page again
    const std::byte* data_;
    std::size_t bytes_;
};

template <typename Handler>
std::size_t Ring::drain(std::size_t limit, Handler&& handler) {
    std::uint64_t position = *consumer_position(); // only we write it
    const std::uint64_t end = __atomic_load_n(producer_position(), __ATOMIC_ACQUIRE);
    std::size_t handled = 0;
    std::size_t unpublished = 0;
    while (position < end && handled < limit) {
        const std::byte* header = data_ + (position & (bytes_ - 1));
        // Acquire: pairs with the producer's commit, after which the record's bytes are complete.
        const std::uint32_t length = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(header), __ATOMIC_ACQUIRE);
        if ((length & kBusy) != 0) {
            break;
        }
        const std::size_t size = length & ~kDiscarded;
        if ((length & kDiscarded) == 0) {
            handler(std::span<const std::byte>(header + kHeaderBytes, size));
            ++handled;
        }
        position += (size + kHeaderBytes + 7) / 8 * 8;
        if (++unpublished == kPublishEvery) {
            __atomic_store_n(consumer_position(), position, __ATOMIC_RELEASE);
            unpublished = 0;
        }
    }
    __atomic_store_n(consumer_position(), position, __ATOMIC_RELEASE);
    return handled;
}

} // namespace knell
