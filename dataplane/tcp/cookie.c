/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making SYN cookies, and taking them back. */
#include "dataplane/tcp/cookie.h"

#include "dataplane/base/limits.h"
#include "dataplane/base/seq.h"
#include "dataplane/tcp/isn.h"

#include <string.h>

enum {
	MSS_SHIFT = 28,
	MSS_MASK = 7,
	HASH_MASK = (1 << MSS_SHIFT) - 1,
	TS_MASK = (1 << COOKIE_TS_BITS) - 1,
	TS_ECN = 1 << 5,
	TS_SACK = 1 << 4,
	TS_WSCALE_MASK = 15,
};
static_assert(TCP_WSCALE_MAX + 1 <= TS_WSCALE_MASK, "every window scale has a number");

/* what peers announce: the smallest we use, the default, PPPoE and tunnels, Ethernet, jumbo */
static const uint16_t mss_of[MSS_MASK + 1] = {
	TCP_MSS_MIN, 256, TCP_MSS_DEFAULT, 1220, 1380, 1440, 1460, 8960,
};

static uint32_t
mss_index(const struct tcp_options *opt)
{
	uint32_t mss = opt->mss != 0 ? opt->mss : TCP_MSS_DEFAULT;
	uint32_t index = MSS_MASK;

	while (index > 0 && mss_of[index] > mss)
		index--;
	return index;
}

static uint32_t
ts_bits(const struct cookie_syn *syn)
{
	uint32_t wscale = syn->opt.has_wscale ? syn->opt.wscale + 1u : 0;

	return wscale | (syn->opt.sack_permitted ? TS_SACK : 0) | (syn->ecn ? TS_ECN : 0);
}

/* isn_of makes the number that stands for a SYN in a counter. said: the bits below. */
static uint32_t
isn_of(const uint64_t secret[2], const struct flow_key *key, uint32_t irs, uint64_t counter,
       uint32_t said)
{
	uint64_t more = (uint64_t)irs << 32 | (uint32_t)(counter << 16) | said;
	uint64_t hash = isn_hash_with(secret, key, ISN_SALT_COOKIE, more);

	return (uint32_t)(counter & 1) << 31 | (said & MSS_MASK) << MSS_SHIFT |
	       ((uint32_t)hash & HASH_MASK);
}

/* said_of packs what a cookie says into 16 bits. */
static uint32_t
said_of(uint32_t index, bool has_ts, uint32_t tsval)
{
	return index | (has_ts ? 1u << 3 | (tsval & TS_MASK) << 4 : 0);
}

struct cookie
cookie_make(const uint64_t secret[2], const struct flow_key *key, const struct cookie_syn *syn,
            uint64_t now_us, uint32_t tsval)
{
	uint64_t counter = now_us >> COOKIE_COUNTER_SHIFT;
	struct cookie cookie = {.tsval = (tsval & ~(uint32_t)TS_MASK) | ts_bits(syn)};
	uint32_t said = said_of(mss_index(&syn->opt), syn->opt.has_ts, cookie.tsval);

	if (seq_gt(cookie.tsval, tsval))
		cookie.tsval -= TS_MASK + 1;
	cookie.isn = isn_of(secret, key, syn->irs, counter, said);
	return cookie;
}

bool
cookie_open(const uint64_t secret[2], const struct flow_key *key, const struct tcp_seg *seg,
            uint64_t now_us, struct cookie_syn *syn)
{
	uint64_t counter = now_us >> COOKIE_COUNTER_SHIFT;
	uint32_t isn = seg->ack - 1;
	uint32_t index = isn >> MSS_SHIFT & MSS_MASK;
	uint32_t ts = seg->opt.has_ts ? seg->opt.tsecr & TS_MASK : 0;

	if ((counter & 1) != isn >> 31)
		counter--;
	memset(syn, 0, sizeof(*syn));
	syn->irs = seg->seq - 1;
	if (isn != isn_of(secret, key, syn->irs, counter, said_of(index, seg->opt.has_ts, ts)))
		return false;
	syn->ecn = ts & TS_ECN;
	syn->opt.mss = mss_of[index];
	syn->opt.sack_permitted = ts & TS_SACK;
	syn->opt.has_wscale = (ts & TS_WSCALE_MASK) != 0;
	syn->opt.wscale = (uint8_t)(syn->opt.has_wscale ? (ts & TS_WSCALE_MASK) - 1 : 0);
	syn->opt.has_ts = seg->opt.has_ts;
	syn->opt.tsval = seg->opt.tsval;
	syn->opt.tsecr = seg->opt.tsecr;
	return true;
}
