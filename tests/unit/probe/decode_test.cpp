#include "agent/probe/decode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace knell {
namespace {

// Bytes that end where their memory ends, so that a sanitizer sees the first byte too far. Aligned to 16 by new.
class HeapBytes {
  public:
    explicit HeapBytes(std::span<const std::byte> bytes) : size_(bytes.size()), bytes_(new std::byte[bytes.size()]) {
        std::ranges::copy(bytes, bytes_.get());
    }
    [[nodiscard]] std::span<std::byte> span() const { return {bytes_.get(), size_}; }

  private:
    std::size_t size_;
    std::unique_ptr<std::byte[]> bytes_;
};

template <typename T>
T record_of(knell_record_type type) {
    T record{};
    record.head.type = static_cast<knell_u16>(type);
    record.head.size = sizeof(T);
    record.head.time_ns = 77;
    return record;
}

template <typename T>
HeapBytes bytes_of(const T& record) {
    return HeapBytes(std::as_bytes(std::span(&record, 1)));
}

// One whole record of each type.
std::vector<HeapBytes> every_type() {
    std::vector<HeapBytes> records;
    records.push_back(bytes_of(record_of<knell_fork>(KNELL_RECORD_FORK)));
    records.push_back(bytes_of(record_of<knell_exec>(KNELL_RECORD_EXEC)));
    records.push_back(bytes_of(record_of<knell_exit>(KNELL_RECORD_EXIT)));
    records.push_back(bytes_of(record_of<knell_pidfd>(KNELL_RECORD_PIDFD)));
    return records;
}

bool undecodable(std::span<const std::byte> bytes) {
    return std::holds_alternative<UndecodableRecord>(decode(bytes));
}

// Whatever decode() returns may be read in full.
bool touch(const Record& record) {
    return std::visit(
        [](auto decoded) {
            if constexpr (std::is_pointer_v<decltype(decoded)>) {
                std::array<std::byte, sizeof(*decoded)> copy;
                std::memcpy(copy.data(), decoded, sizeof(*decoded));
                return decoded->head.size == sizeof(*decoded);
            } else {
                return true;
            }
        },
        record);
}

TEST(Decode, GivesEachTypeInPlace) {
    auto fork = record_of<knell_fork>(KNELL_RECORD_FORK);
    fork.child.pid = 1;
    fork.clone_flags = 17;
    const HeapBytes fork_bytes = bytes_of(fork);
    const Record decoded_fork = decode(fork_bytes.span());
    const auto* const* as_fork = std::get_if<const knell_fork*>(&decoded_fork);
    ASSERT_NE(as_fork, nullptr);
    EXPECT_EQ(static_cast<const void*>(*as_fork), fork_bytes.span().data());
    EXPECT_EQ((*as_fork)->child.pid, 1U);
    EXPECT_EQ((*as_fork)->clone_flags, 17U);

    auto exec = record_of<knell_exec>(KNELL_RECORD_EXEC);
    exec.process.pid = 2;
    const HeapBytes exec_bytes = bytes_of(exec);
    const Record decoded_exec = decode(exec_bytes.span());
    const auto* const* as_exec = std::get_if<const knell_exec*>(&decoded_exec);
    ASSERT_NE(as_exec, nullptr);
    EXPECT_EQ((*as_exec)->process.pid, 2U);

    auto exit = record_of<knell_exit>(KNELL_RECORD_EXIT);
    exit.status = -3;
    exit.fatal.sender_pid = 4;
    const HeapBytes exit_bytes = bytes_of(exit);
    const Record decoded_exit = decode(exit_bytes.span());
    const auto* const* as_exit = std::get_if<const knell_exit*>(&decoded_exit);
    ASSERT_NE(as_exit, nullptr);
    EXPECT_EQ((*as_exit)->status, -3);
    EXPECT_EQ((*as_exit)->fatal.sender_pid, 4U);
    EXPECT_EQ((*as_exit)->head.time_ns, 77U);

    auto pidfd = record_of<knell_pidfd>(KNELL_RECORD_PIDFD);
    pidfd.opener.pid = 5;
    pidfd.target_pid = 6;
    const HeapBytes pidfd_bytes = bytes_of(pidfd);
    const Record decoded_pidfd = decode(pidfd_bytes.span());
    const auto* const* as_pidfd = std::get_if<const knell_pidfd*>(&decoded_pidfd);
    ASSERT_NE(as_pidfd, nullptr);
    EXPECT_EQ((*as_pidfd)->opener.pid, 5U);
    EXPECT_EQ((*as_pidfd)->target_pid, 6U);
}

TEST(Decode, UnknownTypes) {
    for (const HeapBytes& bytes : every_type()) {
        for (const unsigned type : {0U, 5U, 0x100U, 0xffffU}) {
            knell_record head{};
            std::memcpy(&head, bytes.span().data(), sizeof head);
            head.type = static_cast<knell_u16>(type);
            std::memcpy(bytes.span().data(), &head, sizeof head);
            EXPECT_TRUE(undecodable(bytes.span())) << type;
        }
    }
}

TEST(Decode, TypeOfAnotherLength) {
    for (const HeapBytes& bytes : every_type()) {
        knell_record head{};
        std::memcpy(&head, bytes.span().data(), sizeof head);
        const unsigned real = head.type;
        for (const unsigned type : {1U, 2U, 3U, 4U}) {
            head.type = static_cast<knell_u16>(type);
            std::memcpy(bytes.span().data(), &head, sizeof head);
            EXPECT_EQ(undecodable(bytes.span()), type != real) << "a record of type " << real << " as " << type;
        }
    }
}

TEST(Decode, EveryPrefixIsTooShort) {
    for (const HeapBytes& whole : every_type()) {
        for (std::size_t length = 0; length < whole.span().size(); ++length) {
            const HeapBytes prefix(whole.span().first(length));
            EXPECT_TRUE(undecodable(prefix.span())) << length << " of " << whole.span().size();
        }
    }
    EXPECT_TRUE(undecodable({}));
}

TEST(Decode, LongerThanItsType) {
    for (const HeapBytes& whole : every_type()) {
        std::vector<std::byte> longer(whole.span().begin(), whole.span().end());
        longer.resize(longer.size() + 8);
        EXPECT_TRUE(undecodable(HeapBytes(longer).span()));
    }
}

TEST(Decode, ItsOwnIdeaOfItsLengthMustAgree) {
    for (const HeapBytes& bytes : every_type()) {
        const std::size_t real = bytes.span().size();
        knell_record head{};
        std::memcpy(&head, bytes.span().data(), sizeof head);
        for (std::size_t size = 0; size <= std::numeric_limits<knell_u16>::max(); ++size) {
            head.size = static_cast<knell_u16>(size);
            std::memcpy(bytes.span().data(), &head, sizeof head);
            ASSERT_EQ(undecodable(bytes.span()), size != real) << size;
        }
    }
}

TEST(Decode, Misaligned) {
    for (const HeapBytes& whole : every_type()) {
        const std::size_t size = whole.span().size();
        std::vector<std::byte> memory(size + 8);
        for (std::size_t offset = 0; offset <= 8; ++offset) {
            std::ranges::copy(whole.span(), memory.begin() + static_cast<std::ptrdiff_t>(offset));
            EXPECT_EQ(undecodable(std::span(memory).subspan(offset, size)), offset % 8 != 0) << offset;
        }
    }
}

// All values of each byte, one at a time: whatever comes out is a whole record that says so itself.
TEST(Decode, AnyByteMayBeWrong) {
    for (const HeapBytes& bytes : every_type()) {
        for (std::byte& byte : bytes.span()) {
            const std::byte good = byte;
            for (unsigned value = 0; value < 256; ++value) {
                byte = static_cast<std::byte>(value);
                ASSERT_TRUE(touch(decode(bytes.span()))) << "value " << value;
            }
            byte = good;
        }
    }
}

// All heads of two bytes' length and type over all lengths up to the longest record.
TEST(Decode, AnyTypeWithAnyLength) {
    std::size_t decoded = 0;
    for (std::size_t length = 0; length <= sizeof(knell_exit) + 8; ++length) {
        const std::vector<std::byte> zeros(length);
        const HeapBytes bytes(zeros);
        for (unsigned type = 0; type < 8; ++type) {
            for (std::size_t size = 0; size <= sizeof(knell_exit) + 8; ++size) {
                const knell_record head{static_cast<knell_u16>(type), static_cast<knell_u16>(size), 0, 0};
                std::memcpy(bytes.span().data(), &head, std::min(sizeof head, length));
                const Record record = decode(bytes.span());
                ASSERT_TRUE(touch(record));
                decoded += std::holds_alternative<UndecodableRecord>(record) ? 0U : 1U;
            }
        }
    }
    EXPECT_EQ(decoded, 4U) << "one length for each type";
}

} // namespace
} // namespace knell
