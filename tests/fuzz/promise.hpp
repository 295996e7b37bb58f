#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace knell::fuzz {

// A promise of the code under test. One that is not kept ends the process: libFuzzer writes down the input that did it.
// `instead`: what there was.
void require(bool kept, std::string_view promise, std::string_view instead = {});

// The input of a fuzzer as text.
inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// By another judge than the code under test.
bool is_utf8(std::string_view text);

// Nothing that moves a terminal's cursor or turns the direction of text: UTF-8 without control characters, DEL and
// Unicode's bidirectional controls.
bool is_harmless(std::string_view text);

// `text` from `begin` on, up to the next `separator` (or its end), which `begin` then stands behind.
std::string_view next_part(std::string_view text, std::size_t& begin, char separator);

} // namespace knell::fuzz
