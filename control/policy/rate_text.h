/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rate_text.h reads rates as people write them.
 *
 *      10M      10 MiB a second (K, M, G, T: powers of 1024; 1.5G may have a fraction)
 *      500000   bytes a second
 *      100Mbit  100 000 000 bits a second, 12 500 000 bytes (Kbit, Mbit, Gbit: powers of 1000)
 *      none, 0  no limit
 */
#ifndef SPILLWAY_CONTROL_POLICY_RATE_TEXT_H
#define SPILLWAY_CONTROL_POLICY_RATE_TEXT_H

#include "control/base/fail.h"

#include <stddef.h>
#include <stdint.h>

enum rate_text_limit {
	RATE_TEXT_MAX = 32,
	RATE_MIN = 1024, /* bytes a second; a lower one is no rate but a fault */
};

#define RATE_MAX (UINT64_C(1) << 37)

/* rate_parse reads len bytes of text.
 *
 * bytes_per_s  out: 0, or [RATE_MIN, RATE_MAX].
 * Returns 0 or -EINVAL with fail. */
int
rate_parse(const char *text, size_t len, uint64_t *bytes_per_s, struct fail *fail);

/* rate_format writes a rate so that rate_parse reads it back to the byte; "none" for 0. */
void
rate_format(uint64_t bytes_per_s, char out[RATE_TEXT_MAX]);

#endif
