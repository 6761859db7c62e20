/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: any bytes as the body of a request to Transmission's RPC, from one who has the
 * token, with a few torrents in the catalogue. Every answer must be JSON that says its result, and
 * what was refused must have changed nothing that cannot be told. */
#include "control/api/transmission.h"

#include "control/base/log.h"
#include "control/content/metainfo.h"
#include "control/options/options.h"
#include "control/catalogue/registry.h"
#include "control/link/tally.h"
#include "control/work/work.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	TORRENTS = 3,
	ANSWER_MAX = 1 << 20,
	PIECE_MAX = 777, /* a stream is asked for so much at once */
	TURNS_MAX = 100000,
};

static struct {
	struct options options;
	struct registry registry;
	struct commands_env env;
	struct transmission *transmission;
	unsigned added_cnt;
	char answer[ANSWER_MAX];
} world;

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
world_open(void)
{
	struct registry_limits limits = {.torrents_max = 64, .worker_cnt = 2};
	struct fail fail;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	options_default(&world.options);
	world.options.announce = 0;
	strcpy(world.options.api_roots, "/nowhere-to-be-found"); /* nothing here is to be opened */
	check(registry_open(&world.registry, ":memory:", &limits, &fail) == 0);
	world.env.options = &world.options;
	world.env.registry = &world.registry;
	check(tally_create(&world.env.tally, &world.registry) == 0);
	check(work_create(&world.env.work, &world.registry, ABI_UNIT_MIN, &fail) == 0);
	check(transmission_create(&world.transmission, &world.env, &fail) == 0);
}

/* torrent_add adds another small torrent, of two pieces, one of which is had. */
static void
torrent_add(void)
{
	char bytes[512];
	struct metainfo_error refused;
	struct metainfo *meta;
	struct torrent *torrent;
	struct registry_wish wish = {.data_dir = "/nowhere", .class_name = "", .labels = "a,b"};
	struct fail fail;
	int len = snprintf(bytes, sizeof(bytes),
	                   "d8:announce17:http://t/announce7:comment2:hi13:creation datei7e4:info"
	                   "d5:filesld6:lengthi20000e4:pathl1:aeed6:lengthi5e4:pathl1:beee"
	                   "4:name4:name12:piece lengthi16384e6:pieces40:"
	                   "01234567890123456789012345678901234567896:sourcei%ueee",
	                   world.added_cnt++);

	check(metainfo_parse(&meta, bytes, (size_t)len, &refused) == 0);
	check(registry_add(&world.registry, meta, &wish, &torrent, &fail) == 0);
	registry_set_state(&world.registry, torrent, TORRENT_SEEDING, "");
	metainfo_free(meta);
}

/* world_mend frees what was removed, and adds until there are TORRENTS. */
static void
world_mend(void)
{
	struct torrents *torrents = world.registry.torrents;
	uint32_t cnt = 0, id = 0;

	for (struct torrent *t; (t = torrents_after(torrents, id)) != NULL;) {
		id = t->id;
		cnt += !t->gone;
		if (t->gone)
			registry_settle(&world.registry, t);
	}
	registry_sweep(&world.registry, 16);
	for (; cnt < TORRENTS; cnt++)
		torrent_add();
}

/* answer_read has the whole answer in world.answer. Returns its length. */
static size_t
answer_read(struct http_response *response)
{
	size_t len = 0;

	if (response->stream.next == NULL) {
		check(response->body != NULL && response->body_len <= ANSWER_MAX);
		memcpy(world.answer, response->body, response->body_len);
		len = response->body_len;
		free(response->body);
		return len;
	}
	for (int turn = 0;; turn++) {
		check(turn < TURNS_MAX && len + PIECE_MAX <= ANSWER_MAX);
		ssize_t n = response->stream.next(response->stream.ctx, world.answer + len, PIECE_MAX);
		check(n >= -1 && n <= PIECE_MAX);
		if (n < 0)
			break;
		len += (size_t)n;
		transmission_run(world.transmission);
	}
	response->stream.end(response->stream.ctx);
	return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_response response = {0};
	json_error_t error;

	if (world.transmission == NULL)
		world_open();
	world_mend();
	char *body = malloc(len + 1); /* as http.h gives it: NUL behind */
	check(body != NULL);
	memcpy(body, data, len);
	body[len] = '\0';
	transmission_answer(world.transmission, body, len, &response);
	free(body);
	check(response.status == 200 || response.status == 400);
	size_t answer_len = answer_read(&response);
	json_t *answer = json_loadb(world.answer, answer_len, JSON_REJECT_DUPLICATES, &error);
	check(json_is_object(answer) && json_is_string(json_object_get(answer, "result")));
	check(json_is_object(json_object_get(answer, "arguments")));
	json_decref(answer);
	return 0;
}
