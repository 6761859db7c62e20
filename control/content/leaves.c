/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* SHA-256 of many blocks. A library that answers wrongly, or not at all, is not used. */
#include "control/content/leaves.h"

#ifdef SPILLWAY_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct leaves {
	struct digest *sha256;
	void *manager; /* of the multi-buffer library; NULL: one after the other */
};

static int
hash_each(struct leaves *leaves, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	int err = 0;

	for (size_t at = 0; at < len && err == 0; at += MERKLE_BLOCK_LEN) {
		size_t part = len - at < MERKLE_BLOCK_LEN ? len - at : MERKLE_BLOCK_LEN;
		err = digest_of(leaves->sha256, bytes + at, part, hash);
		hash += MERKLE_HASH_LEN;
	}
	return err;
}

#ifdef SPILLWAY_IPSEC_MB

static bool
job_good(const IMB_JOB *job)
{
	return job->status == IMB_STATUS_COMPLETED;
}

static bool
finished_take(IMB_MGR *manager, IMB_JOB *job, uint32_t *done_cnt)
{
	bool good = true;

	for (; job != NULL; job = IMB_GET_COMPLETED_JOB(manager)) {
		good &= job_good(job);
		(*done_cnt)++;
	}
	return good;
}

static int
hash_parallel(struct leaves *leaves, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	IMB_MGR *manager = leaves->manager;
	uint32_t cnt = 0, done_cnt = 0;
	bool good = true;
	IMB_JOB *job;

	for (size_t at = 0; at < len; at += MERKLE_BLOCK_LEN, cnt++) {
		job = IMB_GET_NEXT_JOB(manager);
		*job = (IMB_JOB){
			.cipher_mode = IMB_CIPHER_NULL,
			.cipher_direction = IMB_DIR_ENCRYPT,
			.chain_order = IMB_ORDER_HASH_CIPHER,
			.hash_alg = IMB_AUTH_SHA_256,
			.src = bytes + at,
			.msg_len_to_hash_in_bytes =
				len - at < MERKLE_BLOCK_LEN ? len - at : MERKLE_BLOCK_LEN,
			.auth_tag_output = hash + (size_t)cnt * MERKLE_HASH_LEN,
			.auth_tag_output_len_in_bytes = MERKLE_HASH_LEN,
		};
		good &= finished_take(manager, IMB_SUBMIT_JOB(manager), &done_cnt);
	}
	while ((job = IMB_FLUSH_JOB(manager)) != NULL)
		good &= finished_take(manager, job, &done_cnt);
	return good && done_cnt == cnt ? 0 : -EIO;
}

/* is_right holds the library against OpenSSL once, on blocks of several lengths. */
static bool
is_right(struct leaves *leaves)
{
	enum { BLOCKS = 17, LEN = (BLOCKS - 1) * MERKLE_BLOCK_LEN + 1234 };
	uint8_t want[BLOCKS * MERKLE_HASH_LEN], got[BLOCKS * MERKLE_HASH_LEN];
	uint8_t *bytes = malloc(LEN);

	if (bytes == NULL)
		return false;
	for (uint32_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	bool right = hash_each(leaves, bytes, LEN, want) == 0 &&
	             hash_parallel(leaves, bytes, LEN, got) == 0 &&
	             memcmp(want, got, sizeof(want)) == 0;
	free(bytes);
	return right;
}

static void
manager_open(struct leaves *leaves)
{
	/* With fewer lanes it is not faster than the SHA instructions. */
	const uint64_t needs = IMB_FEATURE_AVX512_SKX;
	IMB_MGR *manager = alloc_mb_mgr(0);

	if (manager == NULL)
		return;
	leaves->manager = manager;
	if ((manager->features & needs) == needs) {
		init_mb_mgr_avx512(manager);
		if (imb_get_errno(manager) == 0 && is_right(leaves))
			return;
	}
	free_mb_mgr(manager);
	leaves->manager = NULL;
}

static void
manager_close(struct leaves *leaves)
{
	if (leaves->manager != NULL)
		free_mb_mgr(leaves->manager);
}

#else

static int
hash_parallel(struct leaves *leaves, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	return hash_each(leaves, bytes, len, hash);
}

static void
manager_open(struct leaves *leaves)
{
	leaves->manager = NULL;
}

static void
manager_close(struct leaves *leaves)
{
	(void)leaves;
}

#endif

struct leaves *
leaves_create(void)
{
	struct leaves *leaves = calloc(1, sizeof(*leaves));

	if (leaves == NULL)
		return NULL;
	leaves->sha256 = digest_create(DIGEST_SHA256);
	if (leaves->sha256 == NULL) {
		free(leaves);
		return NULL;
	}
	manager_open(leaves);
	return leaves;
}

void
leaves_destroy(struct leaves *leaves)
{
	if (leaves == NULL)
		return;
	manager_close(leaves);
	digest_free(leaves->sha256);
	free(leaves);
}

int
leaves_hash(struct leaves *leaves, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	return leaves->manager != NULL ? hash_parallel(leaves, bytes, len, hash)
	                               : hash_each(leaves, bytes, len, hash);
}

struct digest *
leaves_sha256(struct leaves *leaves)
{
	return leaves->sha256;
}

bool
leaves_are_parallel(const struct leaves *leaves)
{
	return leaves->manager != NULL;
}
