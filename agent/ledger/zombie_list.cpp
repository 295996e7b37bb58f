#include "agent/ledger/zombie_list.hpp"

namespace knell {

ZombieNode::~ZombieNode() {
    ZombieList::remove(*this);
}

ZombieList::~ZombieList() {
    // Nodes may outlive the list when the agent shuts down; they must not reach back into it.
    while (head_ != nullptr) {
        unlink(*head_);
    }
}

void ZombieList::add(ZombieNode& node, Instant since) {
    remove(node);
    ZombieNode* before = tail_;
    while (before != nullptr && before->since_ > since) {
        before = before->previous_;
    }
    ZombieNode* after = before != nullptr ? before->next_ : head_;
    node.list_ = this;
    node.since_ = since;
    node.previous_ = before;
    node.next_ = after;
    (before != nullptr ? before->next_ : head_) = &node;
    (after != nullptr ? after->previous_ : tail_) = &node;
    publish(count() + 1);
}

void ZombieList::remove(ZombieNode& node) {
    if (node.list_ != nullptr) {
        node.list_->unlink(node);
    }
}

void ZombieList::unlink(ZombieNode& node) {
    (node.previous_ != nullptr ? node.previous_->next_ : head_) = node.next_;
    (node.next_ != nullptr ? node.next_->previous_ : tail_) = node.previous_;
    node.list_ = nullptr;
    node.previous_ = nullptr;
    node.next_ = nullptr;
    publish(count() - 1);
}

void ZombieList::publish(std::uint64_t count) {
    oldest_.store(head_ != nullptr ? head_->since_ : 0, std::memory_order_relaxed);
    count_.store(count, std::memory_order_relaxed);
}

} // namespace knell
