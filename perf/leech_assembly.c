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
leech_assembly_pool_init(struct leech_assembly_pool *pool, const struct leech_options *options)
{
	memset(pool, 0, sizeof(*pool));
	pool->verify = options->verify;
	pool->seed = leech_mix64(options->seed);
}

void
leech_assembly_pool_fini(struct leech_assembly_pool *pool)
{
	struct leech_assembly *assembly;
	uint32_t class;

	for (class = 0; class < LEECH_ASSEMBLY_CLASSES; class++) {
		while ((assembly = pool->free_list[class]) != NULL) {
			pool->free_list[class] = assembly->next;
			free(assembly->bytes);
			free(assembly);
		}
	}
}

static uint32_t
class_of(uint32_t len)
{
	uint32_t class = 0;

	while (1ull << class < len)
		class++;
	return class;
}

static struct leech_assembly *
pool_take(struct leech_assembly_pool *pool, uint32_t class)
{
	struct leech_assembly *assembly = pool->free_list[class];

	if (assembly != NULL) {
		pool->free_list[class] = assembly->next;
		return assembly;
	}
	if (pool->allocated_bytes + (1ull << class) > LEECH_ASSEMBLY_BYTES_MAX)
		return NULL;
	assembly = calloc(1, sizeof(*assembly));
	if (assembly == NULL)
		return NULL;
	assembly->class = class;
	assembly->bytes = malloc(1ull << class);
	if (assembly->bytes == NULL) {
		free(assembly);
		return NULL;
	}
	pool->allocated_bytes += 1ull << class;
	return assembly;
}

static void
list_release(struct leech_assembly_pool *pool, struct leech_assembly **list,
	     struct leech_assembly *assembly)
{
	while (*list != assembly)
		list = &(*list)->next;
	*list = assembly->next;
	assembly->next = pool->free_list[assembly->class];
	pool->free_list[assembly->class] = assembly;
}

/* one_in_of gives how many pieces there are for one that is verified. */
static uint32_t
one_in_of(const struct leech_assembly_pool *pool, const struct leech_torrent *torrent)
{
	if (pool->verify == LEECH_VERIFY_ALL)
		return 1;
	return torrent->piece_cnt < 4 * SAMPLE_ONE_IN ? torrent->piece_cnt / 4 + 1 : SAMPLE_ONE_IN;
}

/* Scattered, so that connections that start at regular distances meet some; and one at least. */
static bool
piece_is_chosen(const struct leech_assembly_pool *pool, const struct leech_torrent *torrent,
		uint32_t piece)
{
	if (pool->verify == LEECH_VERIFY_NONE || torrent->piece_hashes == NULL)
		return false;
	return leech_mix64(pool->seed + piece) % one_in_of(pool, torrent) == 0 ||
	       piece == pool->seed % torrent->piece_cnt;
}

struct leech_assembly *
leech_assembly_begin(struct leech_assembly_pool *pool, struct leech_assembly **list,
		     const struct leech_torrent *torrent, uint32_t piece)
{
	struct leech_assembly *assembly;

	if (!piece_is_chosen(pool, torrent, piece))
		return NULL;
	assembly = pool_take(pool, class_of(torrent->piece_len));
	if (assembly == NULL) {
		pool->unverified_cnt++;
		return NULL;
	}
	assembly->torrent = torrent;
	assembly->piece = piece;
	assembly->unsettled_bytes = leech_torrent_piece_len(torrent, piece);
	assembly->lost = false;
	assembly->next = *list;
	*list = assembly;
	return assembly;
}

static void
piece_check(struct leech_assembly_pool *pool, const struct leech_assembly *assembly)
{
	const struct leech_torrent *torrent = assembly->torrent;
	const uint8_t *expected = torrent->piece_hashes + 20ull * assembly->piece;
	uint32_t len = leech_torrent_piece_len(torrent, assembly->piece);
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
