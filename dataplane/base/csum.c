/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Sums of many bytes, in the widest registers that the processor has. Four sums run beside each
 * other; sums of 32-bit halves cannot carry out of their 64 bits. */
#include "dataplane/base/csum.h"

/* CSUM_DEFINE makes both functions for a vector type of VEC bytes, so many of which are CSUM_WIDE
 * or a whole number of those. */
#define CSUM_DEFINE(suffix, vec_len, attribute)                                                    \
	typedef uint64_t csum_vec_##suffix __attribute__((vector_size(vec_len)));                  \
                                                                                                   \
	static attribute uint64_t add_##suffix(const void *data, uint32_t len)                     \
	{                                                                                          \
		csum_vec_##suffix low = {0};                                                       \
		csum_vec_##suffix high = {0};                                                      \
		uint64_t sum = 0;                                                                  \
                                                                                                   \
		for (uint32_t i = 0; i < len; i += vec_len) {                                      \
			csum_vec_##suffix words;                                                   \
                                                                                                   \
			memcpy(&words, (const uint8_t *)data + i, vec_len);                        \
			low += words & 0xffffffff;                                                 \
			high += words >> 32;                                                       \
		}                                                                                  \
		low += high;                                                                       \
		for (uint32_t i = 0; i < vec_len / 8; i++)                                         \
			sum += low[i];                                                             \
		return sum;                                                                        \
	}                                                                                          \
                                                                                                   \
	static attribute uint64_t copy_##suffix(void *to, const void *from, uint32_t len)          \
	{                                                                                          \
		csum_vec_##suffix low = {0};                                                       \
		csum_vec_##suffix high = {0};                                                      \
		uint64_t sum = 0;                                                                  \
                                                                                                   \
		for (uint32_t i = 0; i < len; i += vec_len) {                                      \
			csum_vec_##suffix words;                                                   \
                                                                                                   \
			memcpy(&words, (const uint8_t *)from + i, vec_len);                        \
			memcpy((uint8_t *)to + i, &words, vec_len);                                \
			low += words & 0xffffffff;                                                 \
			high += words >> 32;                                                       \
		}                                                                                  \
		low += high;                                                                       \
		for (uint32_t i = 0; i < vec_len / 8; i++)                                         \
			sum += low[i];                                                             \
		return sum;                                                                        \
	}

CSUM_DEFINE(plain, 16, )
CSUM_DEFINE(avx2, 32, __attribute__((target("avx2"))))

uint64_t (*csum_wide)(const void *data, uint32_t len) = add_plain;
uint64_t (*csum_wide_copy)(void *to, const void *from, uint32_t len) = copy_plain;

/* Before main, so that no thread finds one of them changed and the other not. */
static COLD void __attribute__((constructor))
csum_choose(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2"))
		return;
	csum_wide = add_avx2;
	csum_wide_copy = copy_avx2;
}
