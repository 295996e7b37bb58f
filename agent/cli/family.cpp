#include "agent/cli/family.hpp"

namespace knell {

bool Family::born(const knell_fork& birth) {
    const bool founds = founder_start_ == 0 && birth.creator_pid == creator_ && birth.child.pid == founder_;
    if (!founds && !has(birth.creator_pid, birth.creator_start_ns)) {
        return false;
    }
    if (founds) {
        founder_start_ = birth.child.start_ns;
    }
    alive_.insert_or_assign(birth.child.pid, birth.child.start_ns);
    ++born_;
    return true;
}

bool Family::has(std::uint32_t pid, Instant start) const {
    const auto found = alive_.find(pid);
    return found != alive_.end() && found->second == start;
}

void Family::died(std::uint32_t pid, Instant start) {
    if (has(pid, start)) {
        alive_.erase(pid);
    }
}

} // namespace knell
