#pragma once

#include "agent/loop/loop.hpp"

#include <utility>

namespace knell {

// Ops in order, linked through themselves: queueing one allocates nothing and taking it out costs the same whatever the
// length. Not owning, and without a destructor that looks at them: ops that are pending when the loop ends may be gone.
class OpList {
  public:
    OpList() = default;
    OpList(OpList&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
    OpList& operator=(OpList&&) = delete;
    OpList(const OpList&) = delete;
    OpList& operator=(const OpList&) = delete;
    ~OpList() = default;

    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] PollOp* front() const { return first_; }

    void push_back(PollOp& op) {
        op.previous_ = last_;
        op.next_ = nullptr;
        (last_ != nullptr ? last_->next_ : first_) = &op;
        last_ = &op;
    }

    // `op` must be in this list.
    void remove(PollOp& op) {
        (op.previous_ != nullptr ? op.previous_->next_ : first_) = op.next_;
        (op.next_ != nullptr ? op.next_->previous_ : last_) = op.previous_;
    }

  private:
    PollOp* first_ = nullptr;
    PollOp* last_ = nullptr;
};

} // namespace knell
