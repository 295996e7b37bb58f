#include "tests/unit/probe/fake_ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace knell::test {
namespace {

// BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT and BPF_RINGBUF_HDR_SZ of include/uapi/linux/bpf.h.
constexpr std::uint32_t kBusy = 1U << 31;
constexpr std::uint32_t kDiscarded = 1U << 30;
constexpr std::size_t kHeader = 8;

} // namespace

FakeRing::FakeRing(std::size_t bytes)
    : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))), bytes_(bytes),
      file_(::memfd_create("fake ring", MFD_CLOEXEC)) {
    const std::size_t size = 2 * page_ + 2 * bytes_;
    if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
        throw std::runtime_error("cannot make a file of memory");
    }
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) {
        throw std::runtime_error("cannot map a file of memory");
    }
    memory_ = static_cast<std::byte*>(memory);
}

FakeRing::~FakeRing() {
    ::munmap(memory_, 2 * page_ + 2 * bytes_);
}

Ring FakeRing::map() const {
    auto ring = Ring::map(file_.get(), bytes_);
    if (!ring) {
        throw std::runtime_error(ring.error().message);
    }
    return std::move(*ring);
}

std::uint64_t FakeRing::reserve(std::size_t size) {
    const std::uint64_t record = producer_position();
    const std::uint64_t end = record + (kHeader + size + 7) / 8 * 8;
    if (end - consumer_position() > bytes_) {
        throw std::runtime_error("the fake ring is full");
    }
    const std::uint32_t header[2] = {static_cast<std::uint32_t>(size) | kBusy, 0};
    write(record, header, sizeof header);
    std::memcpy(memory_ + page_, &end, sizeof end);
    return record;
}

void FakeRing::submit(std::uint64_t record, std::string_view payload) {
    if (payload.size() != size_of(record)) {
        throw std::runtime_error("a record is submitted with the size it was reserved with");
    }
    write(record + kHeader, payload.data(), payload.size());
    const std::uint32_t length = size_of(record);
    write(record, &length, sizeof length);
}

void FakeRing::discard(std::uint64_t record) {
    const std::uint32_t length = size_of(record) | kDiscarded;
    write(record, &length, sizeof length);
}

void FakeRing::put_numbered(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        put(std::to_string(i));
    }
}

std::uint64_t FakeRing::consumer_position() const {
    std::uint64_t position = 0;
    std::memcpy(&position, memory_, sizeof position);
    return position;
}

std::uint64_t FakeRing::producer_position() const {
    std::uint64_t position = 0;
    std::memcpy(&position, memory_ + page_, sizeof position);
    return position;
}

std::uint32_t FakeRing::size_of(std::uint64_t record) const {
    std::uint32_t length = 0;
    std::memcpy(&length, memory_ + 2 * page_ + (record & (bytes_ - 1)), sizeof length);
    return length & ~kBusy;
}

// Into both mappings of the same page.
void FakeRing::write(std::uint64_t position, const void* from, std::size_t size) {
    std::byte* data = memory_ + 2 * page_;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t at = (position + i) & (bytes_ - 1);
        data[at] = data[at + bytes_] = static_cast<const std::byte*>(from)[i];
    }
}

std::vector<std::string> drain(Ring& ring, std::size_t limit) {
    std::vector<std::string> records;
    ring.drain(limit, [&](std::span<const std::byte> bytes) {
        records.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    return records;
}

} // namespace knell::test
