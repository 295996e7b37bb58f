#include "agent/pidfd/pidns.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/fdinfo.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/numbers.hpp"
#include "agent/pidfd/problem.hpp"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace knell::pidns {
namespace {

constexpr const char* kAsking = "asking for the number of a process in a pid namespace";

// Two descriptors are one namespace when they have this in common (namespaces(7)).
struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
};

Result<Identity> identify(const Fd& pidns) {
    // Other kinds of namespaces have parents too: without this, a user namespace would pass for a pid namespace.
    if (::ioctl(pidns.get(), NS_GET_NSTYPE) != CLONE_NEWPID) {
        return system_failure("looking at a pid namespace", EINVAL, "the descriptor is something else");
    }
    struct stat info{};
    if (::fstat(pidns.get(), &info) != 0) {
        return system_failure("fstat of a pid namespace", errno);
    }
    return Identity{info.st_dev, info.st_ino};
}

// The namespace and those above it, up to the caller's own. Of one that is not below the caller's: it alone. At most 33
// (MAX_PID_NS_LEVEL).
Result<std::vector<Identity>> ancestry(const Fd& pidns) {
    std::vector<Identity> found;
    Fd parent;
    for (const Fd* level = &pidns;; level = &parent) {
        const auto identity = identify(*level);
        if (!identity) {
            return std::unexpected(identity.error());
        }
        found.push_back(*identity);
        Fd above(::ioctl(level->get(), abi::kNsGetParent));
        if (!above && errno == EPERM) {
            return found;
        }
        if (!above) {
            return system_failure("ioctl(NS_GET_PARENT)", errno);
        }
        parent = std::move(above);
    }
}

// How many levels `upper` is above the end of `chain`; the length of the chain: it is not in there.
std::size_t levels_up(const std::vector<Identity>& chain, const Identity& upper) {
    return static_cast<std::size_t>(std::ranges::find(chain, upper) - chain.begin());
}

// The kernel looks our number up once, between two moments at which the process has it: so it found this process.
Result<pid_t> number_by_ioctl(const Fd& pidns, const Pidfd& pidfd) {
    const auto ours = own_number(pidfd);
    if (!ours) {
        return ours;
    }
    const int theirs = ::ioctl(pidns.get(), abi::kNsGetPidInPidns, static_cast<unsigned long>(*ours));
    const int refusal = errno;
    if (auto still = own_number(pidfd); !still) {
        return still;
    }
    if (theirs >= 0) {
        return theirs;
    }
    return refusal == ESRCH ? problem(Problem::foreign_namespace, kAsking)
                            : system_failure("ioctl(NS_GET_PID_IN_PIDNS)", refusal, "is that a pid namespace?");
}

// NSpid ends with the number in the process's own namespace, and each one before it belongs to one level further up.
// Counted from that end, so that it does not matter at which level the procfs at /proc is.
Result<pid_t> number_by_nspid(const Fd& pidns, const Pidfd& pidfd) {
    const auto wanted = identify(pidns);
    if (!wanted) {
        return std::unexpected(wanted.error());
    }
    const auto fdinfo = read_fdinfo(pidfd);
    if (const auto visible = number_in_procfs(fdinfo); !visible) {
        return visible;
    }
    const auto home = of(pidfd);
    const auto chain = home ? ancestry(*home) : std::unexpected(home.error());
    if (!chain) {
        return failure_in(kAsking, chain.error());
    }
    const std::size_t up = levels_up(*chain, *wanted);
    if (up == chain->size() || up >= fdinfo->nspid.size()) {
        return problem(Problem::foreign_namespace, kAsking);
    }
    return fdinfo->nspid[fdinfo->nspid.size() - 1 - up];
}

} // namespace

Result<Fd> own() {
    const auto self = Pidfd::self();
    return self ? of(*self) : std::unexpected(self.error());
}

Result<Fd> of(const Pidfd& pidfd) {
    return pidfd.open_namespace(NamespaceKind::pid);
}

Result<pid_t> number_in(const Fd& pidns, const Pidfd& pidfd) {
    return available(PidfdFeature::pidns_ioctls) ? number_by_ioctl(pidns, pidfd) : number_by_nspid(pidns, pidfd);
}

Result<pid_t> translate(pid_t number, const Fd& from, const Fd& to) {
    const auto held = Pidfd::open_in(from, number);
    return held ? number_in(to, *held) : std::unexpected(held.error());
}

std::string_view name_of(Relation relation) {
    constexpr std::array<std::string_view, 5> kNames{"same", "ancestor", "descendant", "unrelated", "undecidable"};
    return kNames[static_cast<std::size_t>(relation)];
}

Result<Relation> relation(const Fd& a, const Fd& b) {
    const auto up_from_a = ancestry(a);
    if (!up_from_a) {
        return std::unexpected(up_from_a.error());
    }
    const auto up_from_b = ancestry(b);
    if (!up_from_b) {
        return std::unexpected(up_from_b.error());
    }
    if (up_from_a->front() == up_from_b->front()) {
        return Relation::same;
    }
    if (levels_up(*up_from_b, up_from_a->front()) < up_from_b->size()) {
        return Relation::ancestor;
    }
    if (levels_up(*up_from_a, up_from_b->front()) < up_from_a->size()) {
        return Relation::descendant;
    }
    // Both ways end in the caller's own namespace: both are below it, and everything there has been seen. Otherwise at
    // least one is not below it, and where it hangs is not ours to see.
    return up_from_a->back() == up_from_b->back() ? Relation::unrelated : Relation::undecidable;
}

} // namespace knell::pidns
