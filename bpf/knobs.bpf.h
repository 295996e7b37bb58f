/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every .bpf.c needs: types, helpers, and the constants that the agent sets before it loads an object. */
#ifndef KNELL_KNOBS_BPF_H
#define KNELL_KNOBS_BPF_H

#include "bpf/events.h"
#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Weak: every .bpf.c may include this file, and the linker keeps one. */
const volatile struct knell_knobs knobs __weak = {};

#endif
