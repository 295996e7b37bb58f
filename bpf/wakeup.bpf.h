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

static __always_inline struct knell_control* shared_control(void) {
    u32 zero = 0;
    return bpf_map_lookup_elem(&control, &zero);
}

/* Flags to submit a record with that user space wants to know of at once. Call after bpf_ringbuf_reserve(). */
static __always_inline u64 prompt_wakeup(void) {
    struct knell_control* shared = shared_control();
    if (!shared) {
        return BPF_RB_NO_WAKEUP;
    }
    if (__sync_lock_test_and_set(&shared->armed, 0)) {
        count(KNELL_COUNTER_WAKEUPS_ARMED);
        return BPF_RB_FORCE_WAKEUP;
    }
    /* A plain read first: in a storm every CPU comes by here, and the consumer's timer fires within a millisecond. */
    if (shared->coalescing && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > knobs.high_water_bytes &&
        __sync_lock_test_and_set(&shared->coalescing, 0)) {
        count(KNELL_COUNTER_WAKEUPS_HIGH_WATER);
        return BPF_RB_FORCE_WAKEUP;
    }
    return BPF_RB_NO_WAKEUP;
}

#endif
