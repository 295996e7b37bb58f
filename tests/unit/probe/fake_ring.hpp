#pragma once

#include "agent/base/fd.hpp"
#include "agent/probe/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knell::test {

// The kernel's side of a BPF ring buffer (kernel/bpf/ringbuf.c) in a file of memory: the consumer's page, the
// producers' page, the data, and the data again where the kernel maps the same pages a second time.
class FakeRing {
  public:
    // `bytes` is a power of two and a multiple of the page.
    explicit FakeRing(std::size_t bytes);
    FakeRing(const FakeRing&) = delete;
    FakeRing& operator=(const FakeRing&) = delete;
    ~FakeRing();

    // The consumer's view of it.
    [[nodiscard]] Ring map() const;

    // bpf_ringbuf_reserve(): a record that is still being written. Returns where it is.
    std::uint64_t reserve(std::size_t size);
    // bpf_ringbuf_submit(), bpf_ringbuf_discard() of a reserved record.
    void submit(std::uint64_t record, std::string_view payload);
    void discard(std::uint64_t record);

    // Both at once.
    void put(std::string_view payload) { submit(reserve(payload.size()), payload); }
    void put_numbered(std::size_t count);

    [[nodiscard]] std::uint64_t consumer_position() const;
    [[nodiscard]] std::uint64_t producer_position() const;
    [[nodiscard]] const Fd& file() const { return file_; }

  private:
    void write(std::uint64_t position, const void* from, std::size_t size);
    [[nodiscard]] std::uint32_t size_of(std::uint64_t record) const;

    std::size_t page_;
    std::size_t bytes_;
    Fd file_;
    std::byte* memory_ = nullptr;
};

// What a drain of at most `limit` gives.
std::vector<std::string> drain(Ring& ring, std::size_t limit);

} // namespace knell::test
