/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Torrents on their way to the DHT. */
#include "control/dht/dht_state.h"

#include "control/content/bencode.h"
#include "control/base/clock.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

enum {
	STARTS_MAX = 64, /* announces begun in a run */
};

static void
removed_take(struct dht *dht)
{
	const struct torrents *torrents = dht->registry->torrents;
	const struct torrents_removed *removed;

	for (uint64_t serial = dht->serial;
	     (removed = torrents_removed_after(torrents, serial)) != NULL; serial = removed->serial)
		if (torrents_by_hash(torrents, removed->info_hash) == NULL)
			dht_schedule_gone(dht->schedule, removed->info_hash);
}

static void
changes_take(struct dht *dht, int64_t now_ms)
{
	const struct torrents *torrents = dht->registry->torrents;

	if (now_ms < dht->changes_ms)
		return;
	dht->changes_ms = now_ms + DHT_CHANGES_MS;
	removed_take(dht);
	for (const struct torrent *t = torrents_changed_after(torrents, dht->serial); t != NULL;
	     t = t->changed_next) {
		if (torrent_offered(t) &&
		    dht_schedule_add(dht->schedule, t->info_hash, t->id) != 0)
			log_warn("dht_torrent_left_out", "id=%" PRIu32 " error=\"out of memory\"", t->id);
	}
	dht->serial = torrents_serial(torrents);
}

/* private_read tells whether a torrent is private. Returns 0, 1, or a negative errno. */
static int
private_read(struct dht *dht, uint32_t id)
{
	struct catalogue_source source = {0};
	struct bencode doc;
	struct fail ignored;
	int err = catalogue_source(dht->registry->catalogue, id, &source, &ignored);

	if (err == 0)
		err = bencode_decode(&doc, source.metainfo, source.metainfo_len, NULL, NULL);
	if (err == 0) {
		uint32_t info = bencode_get_type(&doc, 0, "info", BENCODE_DICT);
		uint32_t flag = bencode_get_type(&doc, info, "private", BENCODE_INT);
		err = flag != BENCODE_NONE && doc.node[flag].num == 1;
		bencode_free(&doc);
	}
	catalogue_source_free(&source);
	return err;
}

/* due_begin announces a torrent whose turn it is, unless it is not to be. */
static void
due_begin(struct dht *dht, const struct dht_due *due, int64_t now_ms)
{
	const struct torrent *t = torrents_by_id(dht->registry->torrents, due->tag);

	if (t == NULL || !torrent_offered(t)) {
		dht_schedule_remove(dht->schedule, due->info_hash);
		return;
	}
	int is_private = due->cleared ? 0 : private_read(dht, t->id);
	if (is_private > 0) {
		dht_schedule_bar(dht->schedule, due->info_hash);
		return;
	}
	if (is_private < 0) { /* not known: not announced */
		dht_schedule_done(dht->schedule, due->info_hash, 0, now_ms);
		return;
	}
	dht_schedule_clear(dht->schedule, due->info_hash);
	dht_node_announce(dht->family[0].node, due->info_hash, t->have_cnt == t->piece_cnt, due->tag,
	                  now_ms);
}

void
dht_feed_run(struct dht *dht, int64_t now_ms)
{
	struct dht_node *node = dht->family[0].node;
	struct dht_result result;
	struct dht_due due;

	while (dht_node_result(node, &result))
		dht_schedule_done(dht->schedule, result.info_hash, result.stored_cnt, now_ms);
	changes_take(dht, now_ms);
	for (int i = 0; i < STARTS_MAX && !dht->held && dht_node_ready(node, now_ms); i++) {
		if (!dht_schedule_next(dht->schedule, now_ms, &due))
			return;
		due_begin(dht, &due, now_ms);
	}
}

bool
dht_torrent(const struct dht *dht, const struct torrent *torrent, struct dht_torrent *out)
{
	struct dht_last last = {0};

	if (dht == NULL || dht->reason[0] != '\0')
		return false;
	if (!dht_schedule_last(dht->schedule, torrent->info_hash, &last) && !torrent_offered(torrent))
		return false;
	*out = (struct dht_torrent){
		.is_private = last.barred,
		.busy = last.busy,
		.stored_cnt = last.stored_cnt,
	};
	if (last.at_ms != 0)
		out->at_s = time(NULL) - (clock_now_ms() - last.at_ms) / 1000;
	return true;
}
