/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fingerprints by the library's code for this very CPU: the compiler's baseline, SSE2, costs twice
 * the cycles of AVX2 on bytes that are in the cache. */
#include "dataplane/base/hash.h"

#ifdef SPILLWAY_XXH_DISPATCH
/* As <xxh_x86dispatch.h> has it, which cannot stand beside XXH_INLINE_ALL. */
XXH64_hash_t
XXH3_64bits_dispatch(const void *input, size_t len);

uint64_t
hash_unit(const void *data, size_t len)
{
	return XXH3_64bits_dispatch(data, len);
}
#else
uint64_t
hash_unit(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}
#endif
