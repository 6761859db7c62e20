/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Trees are folded layer by layer in place. */
#include "control/content/merkle.h"

#include <string.h>

static int
pair_hash(struct digest *sha256, const uint8_t *left, const uint8_t *right, uint8_t *out)
{
	digest_begin(sha256);
	digest_add(sha256, left, MERKLE_HASH_LEN);
	digest_add(sha256, right, MERKLE_HASH_LEN);
	return digest_end(sha256, out);
}

int
merkle_pad(struct digest *sha256, uint32_t leaf_cnt, uint8_t pad[MERKLE_HASH_LEN])
{
	int err = 0;

	memset(pad, 0, MERKLE_HASH_LEN);
	for (; leaf_cnt > 1 && err == 0; leaf_cnt /= 2)
		err = pair_hash(sha256, pad, pad, pad);
	return err;
}

int
merkle_root(struct digest *sha256, uint8_t *hash, uint32_t cnt, const uint8_t pad[MERKLE_HASH_LEN],
	    uint8_t root[MERKLE_HASH_LEN])
{
	uint8_t filler[MERKLE_HASH_LEN];
	uint32_t i;
	int err = 0;

	memcpy(filler, pad, sizeof(filler));
	while (cnt > 1 && err == 0) {
		for (i = 0; i < cnt && err == 0; i += 2) {
			const uint8_t *left = hash + (size_t)i * MERKLE_HASH_LEN;
			const uint8_t *right = i + 1 < cnt ? left + MERKLE_HASH_LEN : filler;

			err = pair_hash(sha256, left, right, hash + (size_t)i / 2 * MERKLE_HASH_LEN);
		}
		cnt = (cnt + 1) / 2;
		if (err == 0)
			err = pair_hash(sha256, filler, filler, filler);
	}
	memcpy(root, hash, MERKLE_HASH_LEN);
	return err;
}
