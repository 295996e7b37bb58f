#include "tests/bpf/loaded_programs.hpp"

#include "tests/bpf/drain_all.hpp"
#include "tests/bpf/scene.hpp"

#include <cerrno>
#include <cstdint>

namespace knell::test {
namespace {

constexpr std::uint32_t kRingBytes = 8 << 20;

} // namespace

LoadedPrograms::LoadedPrograms(const std::vector<std::string>& names, const knell_knobs& knobs)
    : skeleton_(knell_bpf::open()) {
    if (!skeleton_) {
        must(Result<>(system_failure("open the BPF object", errno)));
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
        (void)bpf_program__set_autoload(program, false);
    }
    std::vector<bpf_program*> chosen;
    for (const std::string& name : names) {
        chosen.push_back(bpf_object__find_program_by_name(skeleton_->obj, name.c_str()));
        if (chosen.back() == nullptr) {
            must(Result<>(failure("the BPF object has no program " + name)));
        }
        (void)bpf_program__set_autoload(chosen.back(), true);
    }
    const_cast<knell_knobs&>(skeleton_->rodata->knobs) = knobs;
    (void)bpf_map__set_max_entries(skeleton_->maps.ring, kRingBytes);
    if (const int error = knell_bpf::load(skeleton_.get())) {
        must(Result<>(system_failure("load " + names.front(), -error)));
    }
    for (const bpf_program* each : chosen) {
        links_.emplace_back(bpf_program__attach(each));
        if (!links_.back()) {
            must(Result<>(system_failure(std::string("attach ") + bpf_program__name(each), errno)));
        }
    }
    ring_.emplace(must(Ring::map(bpf_map__fd(skeleton_->maps.ring), kRingBytes)));
}

LoadedPrograms::~LoadedPrograms() {
    links_.clear(); // before their programs
}

void LoadedPrograms::drain(const std::function<void(std::span<const std::byte>)>& handler) {
    drain_all(*ring_, handler);
}

} // namespace knell::test
