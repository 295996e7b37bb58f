// What of Programs outlives the agent: how it is named, pinned and taken over.

#include "agent/base/file.hpp"
#include "agent/probe/libbpf_log.hpp"
#include "agent/probe/pins.hpp"
#include "agent/probe/programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <utility>

namespace knell {
namespace {

// Of bpf/events.h, from the build.
constexpr std::string_view kContract = KNELL_CONTRACT;

// FNV-1a. It tells builds and set-ups apart; it protects against nobody.
std::uint64_t hash(std::string_view bytes, std::uint64_t value = 0xcbf29ce484222325) {
    for (const char byte : bytes) {
        value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return value;
}

bool is_pinned(const Hook& hook, const std::string& directory) {
    return std::ranges::all_of(hook.programs, [&](const std::string& program) {
        return may_access(pins::path(directory, pins::kLink, program), F_OK);
    });
}

} // namespace

// The contract, and all else that is built or set into the programs and maps. Knobs have no padding.
std::string Probe::Programs::name_pins(const knell_knobs& knobs, const ProbeOptions& options) {
    std::size_t size = 0;
    const auto* programs = static_cast<const char*>(knell_bpf::elf_bytes(&size));
    std::uint64_t set_up = hash({programs, size});
    set_up = hash({reinterpret_cast<const char*>(&knobs), sizeof knobs}, set_up);
    set_up = hash(fmt::format("{} {} {}", options.ring.size_bytes, options.slots, options.pidfd_creation), set_up);
    return fmt::format("{}-{:016x}", kContract, set_up);
}

bool Probe::Programs::shares_contract(std::string_view pin_name) {
    return pin_name.starts_with(kContract);
}

Result<> Probe::Programs::adopt(const std::string& directory, const ProbeOptions& options) {
    for (HookChoice& choice : choices) {
        while (choice.hook() != nullptr && !is_pinned(*choice.hook(), directory)) {
            choice.refuse("not in use by the programs that were taken over");
        }
        if (choice.required() && choice.hook() == nullptr) {
            return failure("the programs in " + directory + " do not observe: " + choice.feature());
        }
    }
    if (auto opened = open({}, options); !opened) { // no program is to be loaded
        return opened;
    }
    if (auto reused = reuse_maps(directory); !reused) {
        return reused;
    }
    if (const int error = knell_bpf::load(skeleton)) {
        return system_failure("taking over the maps in " + directory, -error, why_libbpf_failed(-error));
    }
    for (const HookChoice& choice : choices) {
        for (const bpf_program* program : programs_of(choice)) {
            const char* name = bpf_program__name(program);
            auto adopted = pins::open(pins::path(directory, pins::kProgram, name));
            if (!adopted) {
                return std::unexpected(std::move(adopted.error()));
            }
            adopted_.emplace(name, std::move(*adopted));
        }
    }
    return {};
}

Result<> Probe::Programs::reuse_maps(const std::string& directory) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        if (bpf_map__is_internal(map)) {
            continue; // the constants: the programs have theirs
        }
        const auto fd = pins::open(pins::path(directory, pins::kMap, bpf_map__name(map)));
        if (!fd) {
            return std::unexpected(fd.error());
        }
        if (const int error = bpf_map__reuse_fd(map, fd->get())) {
            return system_failure(std::string("taking over the map ") + bpf_map__name(map), -error);
        }
    }
    return {};
}

Result<> Probe::Programs::pin(const std::string& directory) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        if (bpf_map__is_internal(map)) {
            continue;
        }
        if (auto done = pins::create(bpf_map__fd(map), pins::path(directory, pins::kMap, bpf_map__name(map))); !done) {
            return done;
        }
    }
    for (const auto& [program, link] : links_) {
        const char* name = bpf_program__name(program);
        if (auto done = pins::create(bpf_program__fd(program), pins::path(directory, pins::kProgram, name)); !done) {
            return done;
        }
        if (auto done = pins::create(bpf_link__fd(link.get()), pins::path(directory, pins::kLink, name)); !done) {
            return done;
        }
    }
    pinned_ = true;
    return {};
}

int Probe::Programs::fd_of(const bpf_program* program) const {
    const auto adopted = adopted_.find(bpf_program__name(program));
    return adopted != adopted_.end() ? adopted->second.get() : bpf_program__fd(program);
}

} // namespace knell
