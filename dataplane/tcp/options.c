/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading and writing TCP options. */
#include "dataplane/tcp/options.h"

#include "dataplane/tcp/segment.h"

#include <string.h>

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
};

static bool
parse_sack(struct tcp_options *opt, const uint8_t *body, uint32_t body_len)
{
	if (body_len == 0 || body_len % 8 != 0 || body_len > 8 * TCP_SACK_BLOCKS_MAX)
		return false;
	opt->sack_cnt = (uint8_t)(body_len / 8);
	for (uint32_t i = 0; i < opt->sack_cnt; i++) {
		opt->sack[i].start = tcp_get32(body + 8 * i);
		opt->sack[i].end = tcp_get32(body + 8 * i + 4);
	}
	return true;
}

/* parse_one takes one option's body; false when a known option has a wrong length. */
static bool
parse_one(struct tcp_options *opt, uint8_t kind, const uint8_t *body, uint32_t body_len)
{
	switch (kind) {
	case OPT_MSS:
		if (body_len != 2)
			return false;
		opt->mss = tcp_get16(body);
		return true;
	case OPT_WSCALE:
		if (body_len != 1)
			return false;
		opt->has_wscale = true;
		opt->wscale = MIN(body[0], (uint8_t)TCP_WSCALE_MAX); /* RFC 7323 2.3 */
		return true;
	case OPT_SACK_PERMITTED:
		opt->sack_permitted = true;
		return body_len == 0;
	case OPT_SACK:
		return parse_sack(opt, body, body_len);
	case OPT_TS:
		if (body_len != 8)
			return false;
		opt->has_ts = true;
		opt->tsval = tcp_get32(body);
		opt->tsecr = tcp_get32(body + 4);
		return true;
	default:
		return true;
	}
}

/* is_usual tells whether options are timestamps alone, as RFC 7323 appendix A lays them out: those
 * of nearly all segments. */
static bool
is_usual(const uint8_t *data, uint32_t len)
{
	return len == TCP_OPT_TS_LEN &&
	       tcp_get32(data) == (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10);
}

bool
tcp_options_parse(struct tcp_options *opt, const uint8_t *data, uint32_t len)
{
	uint32_t at = 0;

	memset(opt, 0, offsetof(struct tcp_options, sack));
	if (LIKELY(is_usual(data, len))) {
		opt->has_ts = true;
		opt->tsval = tcp_get32(data + 4);
		opt->tsecr = tcp_get32(data + 8);
		return true;
	}
	while (at < len) {
		uint32_t opt_len;

		if (data[at] == OPT_END)
			return true;
		if (data[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (len - at < 2)
			return false;
		opt_len = data[at + 1];
		if (opt_len < 2 || opt_len > len - at) /* MUST-7 */
			return false;
		if (!parse_one(opt, data[at], data + at + 2, opt_len - 2))
			return false;
		at += opt_len;
	}
	return true;
}

static uint32_t
build_syn(uint8_t *out, const struct tcp_options *opt)
{
	uint32_t len = 0;

	if (opt->mss != 0) {
		out[0] = OPT_MSS;
		out[1] = 4;
		tcp_put16(out + 2, opt->mss);
		len = 4;
	}
	if (opt->has_wscale) {
		out[len] = OPT_NOP;
		out[len + 1] = OPT_WSCALE;
		out[len + 2] = 3;
		out[len + 3] = opt->wscale;
		len += 4;
	}
	if (opt->sack_permitted) {
		out[len] = OPT_NOP;
		out[len + 1] = OPT_NOP;
		out[len + 2] = OPT_SACK_PERMITTED;
		out[len + 3] = 2;
		len += 4;
	}
	return len;
}

static uint32_t
build_sack(uint8_t *out, const struct tcp_options *opt, uint32_t room)
{
	uint32_t cnt = opt->sack_cnt;

	while (cnt > 0 && tcp_options_sack_len(cnt) > room)
		cnt--;
	if (cnt == 0)
		return 0;
	out[0] = OPT_NOP;
	out[1] = OPT_NOP;
	out[2] = OPT_SACK;
	out[3] = (uint8_t)(2 + 8 * cnt);
	for (uint32_t i = 0; i < cnt; i++) {
		tcp_put32(out + 4 + 8 * i, opt->sack[i].start);
		tcp_put32(out + 8 + 8 * i, opt->sack[i].end);
	}
	return tcp_options_sack_len(cnt);
}

uint32_t
tcp_options_build(uint8_t *out, const struct tcp_options *opt)
{
	uint32_t len = build_syn(out, opt);

	if (opt->has_ts) {
		out[len] = OPT_NOP;
		out[len + 1] = OPT_NOP;
		out[len + 2] = OPT_TS;
		out[len + 3] = 10;
		tcp_put32(out + len + 4, opt->tsval);
		tcp_put32(out + len + 8, opt->tsecr);
		len += TCP_OPT_TS_LEN;
	}
	return len + build_sack(out + len, opt, TCP_OPTIONS_MAX - len);
}
