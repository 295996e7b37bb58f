#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace knell {

// The consumer's side of a BPF ring buffer (kernel/bpf/ringbuf.c), mapped into memory. Ours rather than libbpf's
// because a drain has to be bounded, and libbpf 1.1 reads until the producers stop. One consumer thread; used_bytes()
// from any thread.
//
// Of the data only a window is mapped, and moved along: the kernel fills a mapping at once, and all of it would count
// as our resident memory. Moving costs by its pages, some 60 ns for the records of a death.
class Ring {
  public:
    // `map_fd` is borrowed for the call. `bytes` is the map's max_entries, a power of two and a multiple of the page.
    static Result<Ring> map(int map_fd, std::size_t bytes);
    Ring(Ring&& other) noexcept;
    Ring& operator=(Ring&&) = delete;
    Ring(const Ring&) = delete;
    ~Ring();

    // Gives up to `limit` records to `handler(std::span<const std::byte>)`, each aligned to 8 bytes and valid during
    // the call only. Stops early at a record that its producer has not committed yet, and where there is no memory to
    // move the window: the next call tries again. Returns how many it gave.
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

    Ring(Fd map, void* consumer, void* producer, std::size_t bytes);
    [[nodiscard]] std::uint64_t* consumer_position() const { return static_cast<std::uint64_t*>(consumer_page_); }
    [[nodiscard]] const std::uint64_t* producer_position() const {
        return static_cast<const std::uint64_t*>(producer_page_);
    }
    // `size` bytes from `position` on, in the window; null: there is no memory to move it there.
    [[nodiscard]] const std::byte* at(std::uint64_t position, std::size_t size) {
        if (position - window_begin_ + size > window_bytes_ && !move_window(position)) {
            return nullptr;
        }
        return window_ + (position - window_begin_);
    }
    bool move_window(std::uint64_t position);

    Fd map_;
    void* consumer_page_; // read-write: our position
    void* producer_page_; // read-only: the producers' position
    std::size_t bytes_;
    std::byte* window_ = nullptr;    // read-only
    std::uint64_t window_begin_ = 0; // position of its first byte, a multiple of the page
    std::size_t window_bytes_ = 0;   // 0 = nothing is mapped
};

template <typename Handler>
std::size_t Ring::drain(std::size_t limit, Handler&& handler) {
    std::uint64_t position = *consumer_position(); // only we write it
    const std::uint64_t end = __atomic_load_n(producer_position(), __ATOMIC_ACQUIRE);
    std::size_t handled = 0;
    std::size_t unpublished = 0;
    while (position < end && handled < limit) {
        const std::byte* header = at(position, kHeaderBytes);
        if (header == nullptr) {
            break;
        }
        // Acquire: pairs with the producer's commit, after which the record's bytes are complete.
        const std::uint32_t length = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(header), __ATOMIC_ACQUIRE);
        if ((length & kBusy) != 0) {
            break;
        }
        const std::size_t size = length & ~kDiscarded;
        if ((length & kDiscarded) == 0) {
            header = at(position, kHeaderBytes + size);
            if (header == nullptr) {
                break;
            }
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
