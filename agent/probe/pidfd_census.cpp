#include "agent/probe/pidfd_census.hpp"

#include "agent/base/fd.hpp"
#include "agent/probe/kallsyms.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "agent/probe/libbpf_log.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "knell_census.skel.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace knell {
namespace {

struct DestroySkeleton {
    void operator()(knell_census* skeleton) const { knell_census::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<knell_census, DestroySkeleton>;

struct DestroyLink {
    void operator()(bpf_link* link) const { (void)bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

// Where the kernel keeps the operations of its pidfds; 0: it tells them by their file system.
Result<std::uint64_t> find_pidfd_operations() {
    const auto btf = KernelBtf::load();
    if (!btf) {
        return std::unexpected(btf.error());
    }
    if (btf->has_pidfs()) {
        return 0;
    }
    constexpr std::array<std::string_view, 1> kOperations = {"pidfd_fops"};
    const auto found = find_kernel_symbols(kOperations);
    if (!found) {
        return std::unexpected(found.error());
    }
    return found->front().start;
}

Result<Skeleton> load(const CensusOptions& options, std::uint64_t pidfd_operations) {
    listen_to_libbpf();
    forget_libbpf_complaints();
    Skeleton skeleton(knell_census::open());
    if (!skeleton) {
        return system_failure("opening the BPF object for pidfds", errno, why_libbpf_failed(errno));
    }
    const_cast<std::uint64_t&>(skeleton->rodata->pidfd_operations) = pidfd_operations;
    auto& knobs = const_cast<knell_knobs&>(skeleton->rodata->knobs);
    knobs.read_cgroup_v1 = options.read_cgroup_v1 ? 1 : 0;
    knobs.pid_namespace = options.pid_namespace;
    if (const int error = bpf_map__set_max_entries(skeleton->maps.seen, options.max_rows + 1)) {
        return system_failure("sizing the census of pidfds", -error);
    }
    if (const int error = knell_census::load(skeleton.get())) {
        return system_failure("loading the BPF iterator over descriptors", -error, why_libbpf_failed(-error));
    }
    return skeleton;
}

// Appends what a read brought.
void take_rows(const char* bytes, std::size_t size, PidfdCensus& census) {
    const std::size_t rows = size / sizeof(knell_held_pidfd); // the kernel hands out whole rows
    const std::size_t before = census.held.size();
    census.held.resize(before + rows);
    std::memcpy(census.held.data() + before, bytes, rows * sizeof(knell_held_pidfd));
}

Result<PidfdCensus> read_all(const Fd& iterator, const CensusOptions& options) {
    // Whole rows, about what the kernel makes in one go (bpf_seq_read() has eight pages).
    std::vector<char> buffer(256 * sizeof(knell_held_pidfd));
    PidfdCensus census;
    const Instant start = monotonic_now();
    for (;;) {
        const ssize_t size = ::read(iterator.get(), buffer.data(), buffer.size());
        if (size == 0) {
            return census;
        }
        // EAGAIN: a million descriptors and no pidfd among them.
        if (size < 0 && errno != EAGAIN && errno != EINTR) {
            return system_failure("reading the BPF iterator over descriptors", errno);
        }
        if (size > 0) {
            take_rows(buffer.data(), static_cast<std::size_t>(size), census);
        }
        if (census.held.size() >= options.max_rows || elapsed(start, monotonic_now()) >= options.max_time) {
            census.held.resize(std::min<std::size_t>(census.held.size(), options.max_rows));
            census.complete = false;
            return census;
        }
    }
}

} // namespace

Result<PidfdCensus> take_pidfd_census(const CensusOptions& options) {
    const auto operations = find_pidfd_operations();
    if (!operations) {
        return failure_in("recognising pidfds", operations.error());
    }
    auto skeleton = load(options, *operations);
    if (!skeleton) {
        return std::unexpected(std::move(skeleton.error()));
    }
    const Link link(bpf_program__attach_iter((*skeleton)->progs.take_pidfds, nullptr));
    if (!link) {
        return system_failure("attaching the BPF iterator over descriptors", errno, why_libbpf_failed(errno));
    }
    const Fd iterator(::bpf_iter_create(bpf_link__fd(link.get())));
    if (!iterator) {
        return system_failure("starting the BPF iterator over descriptors", errno);
    }
    return read_all(iterator, options);
}

} // namespace knell
