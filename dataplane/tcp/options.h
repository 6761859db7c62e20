/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* options.h reads and writes TCP options: MSS, window scale, SACK-permitted, SACK, timestamps.
 *
 * Memory. None. Clauses. RFC 9293 3.1, 3.7.1; 7323 2.2, 3.2; 2018 2, 3.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_OPTIONS_H
#define SPILLWAY_DATAPLANE_TCP_OPTIONS_H

#include "dataplane/base/common.h"

enum {
	TCP_OPTIONS_MAX = 40,      /* bytes */
	TCP_OPT_TS_LEN = 12,       /* with the two NOPs before it (RFC 7323 appendix A) */
	TCP_SACK_BLOCKS_MAX = 4,   /* in one segment; 3 beside timestamps */
	TCP_WSCALE_MAX = 14,       /* RFC 7323 2.3 */
};

/* struct tcp_range is the sequence numbers [start, end). */
struct tcp_range {
	uint32_t start;
	uint32_t end;
};

struct tcp_options {
	bool has_ts;
	bool has_wscale;
	bool sack_permitted;
	uint8_t wscale;            /* [0, TCP_WSCALE_MAX] */
	uint16_t mss;              /* 0: not given */
	uint8_t sack_cnt;          /* [0, TCP_SACK_BLOCKS_MAX] */
	uint32_t tsval;
	uint32_t tsecr;
	struct tcp_range sack[TCP_SACK_BLOCKS_MAX]; /* as received, not checked against anything */
};

/* tcp_options_parse reads the option bytes of a header.
 *
 * len  [0, TCP_OPTIONS_MAX] bytes.
 * Unknown options are skipped (RFC 9293 3.1 MUST-6). Returns false when an option runs over the
 * end, has a length below 2 (MUST-7), or is known and has a wrong length. */
bool
tcp_options_parse(struct tcp_options *opt, const uint8_t *data, uint32_t len);

/* tcp_options_build writes options, padded to whole words.
 *
 * out  room for TCP_OPTIONS_MAX bytes.
 * opt  mss 0: left out. Blocks that do not fit beside the rest are left out.
 * Returns the bytes written, a multiple of 4. */
uint32_t
tcp_options_build(uint8_t *out, const struct tcp_options *opt);

/* tcp_options_sack_len returns the bytes that cnt SACK blocks take, with padding. */
static inline uint32_t
tcp_options_sack_len(uint32_t cnt)
{
	return cnt == 0 ? 0 : 4 + 8 * cnt;
}

#endif
