#pragma once

#include "agent/attribution/resolver.hpp"
#include "agent/base/counter.hpp"
#include "agent/base/fd.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"

#include "bpf/events.h"

#include <array>
#include <memory>
#include <vector>

namespace knell {

// The places that processes live in, from first sight until after they are gone: tells the ledger of new ones, so that
// their series start at zero, and of those whose cgroup was removed. Loop thread.
class Places {
  public:
    Places(PlaceResolver resolver, Ledger& ledger) : resolver_(std::move(resolver)), ledger_(ledger) {}

    // Null where it cannot be told.
    std::shared_ptr<const Place> find(CgroupIds ids) { return look_up(ids).place; }

    // The same for `exits` processes that ended. `before`: where it was seen while it lived, which is the answer when
    // its cgroup has gone with it; null = nowhere. A failure is counted by its cause.
    std::shared_ptr<const Place> find_for_exit(CgroupIds ids, std::shared_ptr<const Place> before = nullptr,
                                               std::uint64_t exits = 1);

    // For a process found in /proc, through its directory.
    std::shared_ptr<const Place> find_for_process(const Fd& proc_directory);

    // Containers without a name, by why: once each, when it is not looked for any more. Any thread.
    [[nodiscard]] std::uint64_t unnamed(NameMiss why) const {
        return unnamed_counts_[static_cast<std::size_t>(why) - 1].value();
    }

    // Looks after some of the places; cheap enough for every turn, does something once a second at most. Never a
    // reason to wake up.
    void maintain(Instant now);

    // Exits without a place. Any thread.
    [[nodiscard]] std::uint64_t unattributed(Unattributed why) const {
        return unattributed_[static_cast<std::size_t>(why)].value();
    }

    // How full its tables are. Any thread; as of the last turn.
    [[nodiscard]] std::array<TableFill, 3> tables() const {
        return {{{"cgroups", ids_known_.value(), PlaceResolver::kCapacity},
                 {"cgroup_paths", paths_known_.value(), PlaceResolver::kCapacity},
                 {"cgroups_alive", alive_count_.value(), PlaceResolver::kCapacity}}};
    }

  private:
    struct Known {
        CgroupIds ids; // none: found by its path
        std::shared_ptr<const Place> place;
        std::string path{}; // by which it was found: the place's own may be cut, and holds no bytes that are no UTF-8
    };
    // A container whose name was not there at first sight: the kubelet's log files come after its first process.
    struct Unnamed {
        std::vector<Known> places; // on its way into its cgroups a process shows a hybrid host's in several pairs
        NameMiss why = NameMiss::none;
        int attempts = 0;
        Instant next = 0;
    };
    static constexpr int kNameAttempts = 5; // 1, 2, 4, 8 and 16 s after each other
    static constexpr std::size_t kMaxUnnamed = 256;
    static constexpr std::size_t kMaxPlacesOfUnnamed = 64; // those beyond keep the id until they are gone
    static constexpr std::size_t kNamesPerInterval = 16;   // some twenty system calls each, in one turn
    static constexpr Nanoseconds kInterval = kSecond;
    static constexpr std::size_t kChecksPerInterval = 64;

    Resolved look_up(CgroupIds ids);
    void welcome(const Resolved& resolved, CgroupIds ids, const std::string& path = {});
    [[nodiscard]] bool gone(const Known& known) const;
    void note_unnamed(Known known, NameMiss why);
    void look_for_names(Instant now);
    bool named(const Unnamed& unnamed, Instant now);
    bool gave_up(Unnamed& unnamed, Instant now);
    void stop_naming(const std::shared_ptr<const Place>& place);
    void count_unnamed(const Place& place, NameMiss why);
    void check_alive(Instant now);

    PlaceResolver resolver_;
    Ledger& ledger_;
    std::vector<Known> alive_;
    std::vector<Unnamed> unnamed_;
    std::size_t next_check_ = 0; // in alive_, round and round
    Instant last_maintained_ = 0;
    std::array<Counter, kUnattributedNames.size()> unattributed_;
    std::array<Counter, kNameMissNames.size()> unnamed_counts_; // by NameMiss without `none`
    Counter ids_known_;
    Counter paths_known_;
    Counter alive_count_;
};

inline CgroupIds cgroups_of(const knell_process& process) {
    return {process.cgroup_id, process.cgroup_v1_id};
}

} // namespace knell
