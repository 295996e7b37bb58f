/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adaptive wake-up: interrupt mitigation for exits. Waking the consumer costs the dying process 13 us (irq_work and a
 * self-IPI), not waking it 0.4 us, so a producer wakes the consumer only when it sleeps.
 *
 * The consumer sets control.armed, then looks at the ring once more before it sleeps; a producer reserves its record,
 * then exchanges control.armed for 0. Both sides have a full barrier between their store and their load, so one of them
 * sees the other: either the consumer finds the record or the producer finds it armed.
 */
#ifndef KNELL_WAKEUP_BPF_H
#define KNELL_WAKEUP_BPF_H

#include "bpf/maps.bpf.h"

/* Wakes the consumer if it sleeps. Call after bpf_ringbuf_reserve(), submit with the flags that it returns. */
static __always_inline u64 wake_if_armed(struct knell_control* shared, enum knell_counter reason) {
    if (!shared || !__sync_lock_test_and_set(&shared->armed, 0)) {
        return BPF_RB_NO_WAKEUP;
    }
    count(reason);
    return BPF_RB_FORCE_WAKEUP;
}

/* For a record that user space wants to know of at once. */
static __always_inline u64 prompt_wakeup(void) {
    return wake_if_armed(shared_control(), KNELL_COUNTER_WAKEUPS_ARMED);
}

/* For a record that can wait, unless so many do that the ring might run full before anything else wakes the consumer.
 */
static __always_inline u64 high_water_wakeup(void) {
    if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= knobs.high_water_bytes) {
        return BPF_RB_NO_WAKEUP;
    }
    return wake_if_armed(shared_control(), KNELL_COUNTER_WAKEUPS_HIGH_WATER);
}

#endif
