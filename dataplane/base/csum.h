/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* csum.h is the Internet checksum (RFC 1071): a ones' complement sum of 16-bit words as the
 * machine reads them, so that network order needs no swapping.
 *
 * Threads. Stateless. Memory. None.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_CSUM_H
#define SPILLWAY_DATAPLANE_BASE_CSUM_H

#include "dataplane/base/common.h"

#include <string.h>

/* csum_fold folds a running sum to 16 bits. Store its complement. */
static inline uint16_t
csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* csum_swap turns the sum of bytes that start at an even position into the sum of the same bytes
 * starting at an odd one, and back (RFC 1071 section 2 B). Returns it folded. */
static inline uint64_t
csum_swap(uint64_t sum)
{
	return __builtin_bswap16(csum_fold(sum));
}

/* csum_tail sums the last len < 8 bytes; an odd one is padded with zero. */
static inline uint64_t
csum_tail(const uint8_t *data, uint32_t len)
{
	uint32_t four = 0;
	uint16_t two = 0;
	uint16_t one = 0;

	if (len & 4)
		memcpy(&four, data, 4);
	if (len & 2)
		memcpy(&two, data + (len & 4), 2);
	if (len & 1)
		memcpy(&one, data + (len & 6), 1);
	return (uint64_t)four + two + one;
}

/* csum_wide and csum_wide_copy sum, or copy and sum, len bytes, a multiple of 32: as csum_add and
 * csum_copy do with sum 0. They use what the processor has. */
extern uint64_t (*csum_wide)(const void *data, uint32_t len);
extern uint64_t (*csum_wide_copy)(void *to, const void *from, uint32_t len);

enum {
	CSUM_WIDE = 32,      /* bytes that are summed at once */
	CSUM_WIDE_MIN = 128, /* bytes from which that gains */
};

/* csum_add adds bytes to a running sum. An odd last byte is padded with zero.
 *
 * sum  at most 2^48, so that nothing overflows below 2^30 bytes. */
static inline uint64_t
csum_add(const void *data, uint32_t len, uint64_t sum)
{
	const uint8_t *at = data;

	if (len >= CSUM_WIDE_MIN) {
		uint32_t wide = len & ~(CSUM_WIDE - 1u);

		sum += csum_wide(at, wide);
		at += wide;
		len -= wide;
	}
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	return sum + csum_tail(at, len);
}

/* csum_copy copies bytes and returns their sum, unfolded, as csum_add(from, len, 0) would; the
 * bytes are read once. The ranges do not overlap. */
static inline uint64_t
csum_copy(void *to, const void *from, uint32_t len)
{
	const uint8_t *at = from;
	uint8_t *out = to;
	uint64_t sum = 0;

	if (len >= CSUM_WIDE_MIN) {
		uint32_t wide = len & ~(CSUM_WIDE - 1u);

		sum = csum_wide_copy(out, at, wide);
		at += wide;
		out += wide;
		len -= wide;
	}
	for (; len >= 8; at += 8, out += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		memcpy(out, &word, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	memcpy(out, at, len);
	return sum + csum_tail(at, len);
}

#endif
