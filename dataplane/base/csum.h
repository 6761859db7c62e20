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

/* csum_pair is two words of 64 bits at once; sums of 32-bit halves cannot carry out of it. */
typedef uint64_t csum_pair __attribute__((vector_size(16)));

/* csum_half adds both halves of each of the pair's words to a running pair. */
static inline csum_pair
csum_half(csum_pair sum, csum_pair words)
{
	return sum + (words & 0xffffffff) + (words >> 32);
}

/* csum_add adds bytes to a running sum. An odd last byte is padded with zero.
 *
 * sum  at most 2^48, so that nothing overflows below 2^30 bytes. */
static inline uint64_t
csum_add(const void *data, uint32_t len, uint64_t sum)
{
	const uint8_t *at = data;
	csum_pair even = {0, 0};
	csum_pair odd = {0, 0};

	for (; len >= 32; at += 32, len -= 32) {
		csum_pair words[2];

		memcpy(words, at, 32);
		even = csum_half(even, words[0]);
		odd = csum_half(odd, words[1]);
	}
	even += odd;
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	return sum + even[0] + even[1] + csum_tail(at, len);
}

/* csum_copy copies bytes and returns their sum, unfolded, as csum_add(from, len, 0) would; the
 * bytes are read once. The ranges do not overlap. */
static inline uint64_t
csum_copy(void *to, const void *from, uint32_t len)
{
	const uint8_t *at = from;
	uint8_t *out = to;
	csum_pair even = {0, 0};
	csum_pair odd = {0, 0};
	uint64_t sum = 0;

	for (; len >= 32; at += 32, out += 32, len -= 32) {
		csum_pair words[2];

		memcpy(words, at, 32);
		memcpy(out, words, 32);
		even = csum_half(even, words[0]);
		odd = csum_half(odd, words[1]);
	}
	even += odd;
	for (; len >= 8; at += 8, out += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		memcpy(out, &word, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	memcpy(out, at, len);
	return sum + even[0] + even[1] + csum_tail(at, len);
}

#endif
