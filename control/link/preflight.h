/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* preflight.h turns options into what a dataplane is started with, and finds out beforehand what
 * the dataplane could only complain of in DPDK's words.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_LINK_PREFLIGHT_H
#define SPILLWAY_CONTROL_LINK_PREFLIGHT_H

#include "control/base/fail.h"
#include "control/options/options.h"
#include "dataplane/abi.h"

#include <limits.h>
#include <stdint.h>

enum preflight_limit {
	PREFLIGHT_OVERHEAD_MIB = 64, /* hugepages of a worker beside its arena: packets, rings */
	PREFLIGHT_HUGEPAGE_MIB = 2,
	PREFLIGHT_ARENA_MIB = 16, /* of one worker, at least */
	PREFLIGHT_HUGEPAGE_TRIES = 20, /* a tenth of a second apart */
};

/* What was found: a dataplane binary and its configuration. */
struct preflight {
	char binary[PATH_MAX];
	struct abi_config config;
};

/* preflight_port checks the form of option port only.
 * Returns 0, or -EINVAL with fail. */
int
preflight_port(const char *port, struct fail *fail);

/* preflight_binary finds the dataplane's binary (option dataplane) and writes its path to
 * out[PATH_MAX]. Returns 0, or a negative errno with fail. */
int
preflight_binary(const struct options *options, char *out, struct fail *fail);

/* preflight_fixed fills what of config does not change while spillwayd runs: port, xdp_object (""
 * unless the port is af_xdp), file_prefix and flags.
 *
 * config  the rest of it is left alone; the texts are all zeros before.
 * binary  of the dataplane: "auto" looks beside it.
 * Returns 0, or a negative errno with fail: unknown port kind, XDP object not found. */
int
preflight_fixed(struct abi_config *config, const struct options *options, const char *binary,
                struct fail *fail);

/* preflight_resolve fills all of pre from options: splits the port, resolves "auto".
 *
 * Returns 0, or a negative errno with fail: unknown port kind, no such interface, no address, an
 * address that is none, binary or XDP object not found, numbers that do not fit the workers. */
int
preflight_resolve(struct preflight *pre, const struct options *options, struct fail *fail);

/* preflight_address finds the IPv4 address served, in network order.
 * Returns 0, or a negative errno with fail, as preflight_resolve. */
int
preflight_address(const struct options *options, uint32_t *address_be, struct fail *fail);

/* preflight_memory checks that the free hugepages suffice, when they are asked for.
 * Returns 0, or -ENOMEM with fail saying how to prepare them. */
int
preflight_memory(const struct preflight *pre, struct fail *fail);

/* preflight_hugepages_missing returns how many 2 MiB pages are missing when free_cnt are free; 0
 * when they suffice. */
uint64_t
preflight_hugepages_missing(const struct abi_config *config, uint64_t free_cnt);

#endif
