/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Pieces under verification: a free list of piece buffers and one SHA-1 when a piece is whole. */
#include "perf/leech_assembly.h"

#include <openssl/evp.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_ONE_IN = 32 };

void
leech_assembly_pool_init(struct leech_assembly_pool *pool, const struct leech_torrent *torrent,
			 const struct leech_options *options)
{
	memset(pool, 0, sizeof(*pool));
	pool->torrent = torrent;
	if (options->verify == LEECH_VERIFY_ALL)
		pool->one_in = 1;
	if (options->verify == LEECH_VERIFY_SAMPLE)
		pool->one_in = torrent->piece_cnt < 4 * SAMPLE_ONE_IN
				       ? torrent->piece_cnt / 4 + 1 : SAMPLE_ONE_IN;
	pool->seed = leech_mix64(options->seed);
}

void
leech_assembly_pool_fini(struct leech_assembly_pool *pool)
{
	struct leech_assembly *assembly;

	while ((assembly = pool->free_list) != NULL) {
		pool->free_list = assembly->next;
		free(assembly->bytes);
		free(assembly);
	}
}

static struct leech_assembly *
pool_take(struct leech_assembly_pool *pool)
{
	struct leech_assembly *assembly = pool->free_list;

	if (assembly != NULL) {
		pool->free_list = assembly->next;
		return assembly;
	}
	if (pool->allocated_bytes + pool->torrent->piece_len > LEECH_ASSEMBLY_BYTES_MAX)
		return NULL;
	assembly = calloc(1, sizeof(*assembly));
	if (assembly == NULL)
		return NULL;
	assembly->bytes = malloc(pool->torrent->piece_len);
	if (assembly->bytes == NULL) {
		free(assembly);
		return NULL;
	}
	pool->allocated_bytes += pool->torrent->piece_len;
	return assembly;
}

static void
list_release(struct leech_assembly_pool *pool, struct leech_assembly **list,
	     struct leech_assembly *assembly)
{
	while (*list != assembly)
		list = &(*list)->next;
	*list = assembly->next;
	assembly->next = pool->free_list;
	pool->free_list = assembly;
}

/* Scattered, so that connections that start at regular distances meet some; and one at least. */
static bool
piece_is_chosen(const struct leech_assembly_pool *pool, uint32_t piece)
{
	if (pool->one_in == 0)
		return false;
	return leech_mix64(pool->seed + piece) % pool->one_in == 0 ||
	       piece == pool->seed % pool->torrent->piece_cnt;
}

struct leech_assembly *
leech_assembly_begin(struct leech_assembly_pool *pool, struct leech_assembly **list,
		     uint32_t piece)
{
	struct leech_assembly *assembly;

	if (!piece_is_chosen(pool, piece))
		return NULL;
	assembly = pool_take(pool);
	if (assembly == NULL) {
		pool->unverified_cnt++;
		return NULL;
	}
	assembly->piece = piece;
	assembly->unsettled_bytes = leech_torrent_piece_len(pool->torrent, piece);
	assembly->lost = false;
	assembly->next = *list;
	*list = assembly;
	return assembly;
}

static void
piece_check(struct leech_assembly_pool *pool, const struct leech_assembly *assembly)
{
	const uint8_t *expected = pool->torrent->piece_hashes + 20ull * assembly->piece;
	uint32_t len = leech_torrent_piece_len(pool->torrent, assembly->piece);
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(assembly->bytes, len, digest, NULL, EVP_sha1(), NULL) == 1 &&
	    memcmp(digest, expected, 20) == 0) {
		pool->ok_cnt++;
		return;
	}
	pool->failed_cnt++;
	pool->failed_piece = assembly->piece;
}

void
leech_assembly_settle(struct leech_assembly_pool *pool, struct leech_assembly **list,
		      struct leech_assembly *assembly, uint32_t len, bool received)
{
	assert(len <= assembly->unsettled_bytes);
	assembly->unsettled_bytes -= len;
	assembly->lost |= !received;
	if (assembly->unsettled_bytes != 0)
		return;
	if (!assembly->lost)
		piece_check(pool, assembly);
	list_release(pool, list, assembly);
}

void
leech_assembly_drop_all(struct leech_assembly_pool *pool, struct leech_assembly **list)
{
	while (*list != NULL)
		list_release(pool, list, *list);
}
