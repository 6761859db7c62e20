/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The order of scrubbing, and what becomes of what is found. */
#include "control/work/scrub.h"

#include "control/base/clock.h"
#include "control/base/log.h"
#include "control/work/scrub_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTING "scrub" /* the key in the catalogue */

enum {
	DAY_S = 86400,
	SAVE_MS = 5000,
	DUE_MS = 60000, /* how often the time of day is looked at */
};

struct scrub {
	const struct options *options;
	struct registry *registry;
	struct work *work;
	struct scrub_reader *reader;
	struct scrub_stats stats;
	bool reading;        /* the reader has a task */
	int64_t verified_at; /* of the torrent in hand, when it was taken */
	uint32_t unit_at;    /* of the torrent in hand */
	int64_t saved_ms;
};

/* ---- What is remembered: numbers in a row. */

static void
state_save(struct scrub *scrub)
{
	const struct scrub_stats *s = &scrub->stats;
	struct fail fail;
	char text[192];

	snprintf(text, sizeof(text),
	         "%d %" PRIu32 " %" PRIu32 " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
	         s->running, s->torrent_id, scrub->unit_at, s->begun_at, s->ended_at, s->pass_bytes,
	         s->scrubbed_bytes, s->rotten_pieces);
	if (catalogue_setting_set(scrub->registry->catalogue, SETTING, text, &fail) != 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	scrub->saved_ms = clock_now_ms();
}

static void
state_load(struct scrub *scrub)
{
	struct scrub_stats *s = &scrub->stats;
	char *text = NULL;
	struct fail ignored;
	int running = 0, cnt = 0;

	if (catalogue_setting_get(scrub->registry->catalogue, SETTING, &text, &ignored) == 0 &&
	    text != NULL)
		cnt = sscanf(text,
		             "%d %" SCNu32 " %" SCNu32 " %" SCNd64 " %" SCNd64 " %" SCNu64 " %" SCNu64
		             " %" SCNu64,
		             &running, &s->torrent_id, &scrub->unit_at, &s->begun_at, &s->ended_at,
		             &s->pass_bytes, &s->scrubbed_bytes, &s->rotten_pieces);
	free(text);
	s->running = running == 1;
	if (cnt == 8)
		return;
	*s = (struct scrub_stats){.begun_at = time(NULL)};
	scrub->unit_at = 0;
	state_save(scrub);
}

int
scrub_create(struct scrub **scrub, const struct options *options, struct registry *registry,
             struct work *work, struct fail *fail)
{
	struct scrub *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	s->options = options;
	s->registry = registry;
	s->work = work;
	int err = scrub_reader_create(&s->reader, fail);
	if (err != 0) {
		free(s);
		return err;
	}
	state_load(s);
	*scrub = s;
	return 0;
}

/* bytes_count adds what was read since. */
static void
bytes_count(struct scrub *scrub)
{
	uint64_t bytes;
	uint32_t unit_at = scrub_reader_at(scrub->reader, &bytes);

	if (scrub->reading)
		scrub->unit_at = unit_at;
	scrub->stats.pass_bytes += bytes;
	scrub->stats.scrubbed_bytes += bytes;
}

void
scrub_destroy(struct scrub *scrub)
{
	if (scrub == NULL)
		return;
	bytes_count(scrub);
	state_save(scrub);
	scrub_reader_destroy(scrub->reader);
	free(scrub);
}

int
scrub_fd(const struct scrub *scrub)
{
	return scrub_reader_fd(scrub->reader);
}

int
scrub_timeout_ms(const struct scrub *scrub)
{
	if (scrub->options->scrub == 0)
		return -1;
	return scrub->stats.running ? SAVE_MS : DUE_MS;
}

/* ---- What was found. */

static void
rotten_take(struct scrub *scrub, struct torrent *t, const struct scrub_event *event)
{
	struct abi_withdraw withdrawn = {
		.id = t->id, .piece_first = event->piece_first, .piece_cnt = event->piece_cnt,
	};
	uint32_t before_cnt = t->withdrawn_cnt;

	registry_withdraw(scrub->registry, t, event->piece_first, event->piece_cnt, event->fail.text);
	if (t->withdrawn_cnt == before_cnt)
		return; /* a worker was first */
	scrub->stats.rotten_pieces += t->withdrawn_cnt - before_cnt;
	log_error("scrub_rotten",
	          "id=%" PRIu32 " name=%s piece_first=%" PRIu32 " piece_cnt=%" PRIu32 " reason=%s",
	          t->id, LOG_QUOTE(t->name), event->piece_first, event->piece_cnt,
	          LOG_QUOTE(event->fail.text));
	if (withdrawals_add(&scrub->registry->withdrawn, &withdrawn) != 0)
		log_error("out_of_memory", "part=withdrawals");
}

/* is_as_taken is true while what is known of the torrent in hand is what was verified of it when it
 * was taken. */
static bool
is_as_taken(const struct scrub *scrub, const struct torrent *t)
{
	return t != NULL && !t->gone && t->state == TORRENT_SEEDING && !torrent_verifying(t) &&
	       t->verified_at == scrub->verified_at;
}

static void
event_take(struct scrub *scrub, const struct scrub_event *event)
{
	struct torrent *t = torrents_by_id(scrub->registry->torrents, event->id);
	bool known = is_as_taken(scrub, t);

	bytes_count(scrub);
	if (event->kind == SCRUB_ROTTEN) {
		if (known)
			rotten_take(scrub, t, event);
		return;
	}
	scrub->reading = false;
	if (!known || event->err != -ECANCELED)
		scrub->unit_at = 0;
	if (known && event->err != 0 && event->err != -ECANCELED)
		work_changed(scrub->work, t, event->err, &event->fail);
}

/* ---- What is next. */

static void
pass_end(struct scrub *scrub)
{
	struct scrub_stats *s = &scrub->stats;

	s->running = false;
	s->torrent_id = 0;
	s->ended_at = time(NULL);
	log_info("scrub_end", "scrubbed_bytes=%" PRIu64 " rotten_pieces_ever=%" PRIu64, s->pass_bytes,
	         s->rotten_pieces);
	state_save(scrub);
}

/* torrent_begin gives a torrent to the reader. Returns false when it cannot be read now. */
static bool
torrent_begin(struct scrub *scrub, const struct torrent *t)
{
	struct scrub_task task = {.id = t->id, .unit_first = scrub->unit_at};
	struct fail fail;
	int err = catalogue_source(scrub->registry->catalogue, t->id, &task.source, &fail);

	if (err == 0)
		err = catalogue_verified(scrub->registry->catalogue, t->id, &task.verified, &fail);
	if (err != 0) {
		catalogue_source_free(&task.source);
		log_warn("scrub_passed_over", "id=%" PRIu32 " name=%s reason=%s", t->id,
		         LOG_QUOTE(t->name), LOG_QUOTE(fail.text));
		return false;
	}
	scrub->verified_at = t->verified_at;
	scrub->stats.torrent_id = t->id;
	scrub_reader_start(scrub->reader, &task);
	scrub->reading = true;
	return true;
}

/* torrent_next gives the reader what follows, one that was begun before a restart first. */
static void
torrent_next(struct scrub *scrub)
{
	struct torrents *torrents = scrub->registry->torrents;
	uint32_t id = scrub->stats.torrent_id;
	const struct torrent *t = torrents_by_id(torrents, id);

	if (scrub->unit_at == 0 || t == NULL) {
		scrub->unit_at = 0;
		t = torrents_after(torrents, id);
	}
	for (; t != NULL; t = torrents_after(torrents, t->id)) {
		bool is_due = !t->gone && t->state == TORRENT_SEEDING && !torrent_verifying(t);

		if (is_due && torrent_begin(scrub, t))
			return;
		scrub->unit_at = 0;
	}
	pass_end(scrub);
}

static bool
is_due(const struct scrub *scrub)
{
	int64_t period_s = scrub->options->scrub * DAY_S;

	return period_s > 0 && time(NULL) - scrub->stats.begun_at >= period_s;
}

static void
pass_begin(struct scrub *scrub)
{
	struct scrub_stats *s = &scrub->stats;

	s->running = true;
	s->torrent_id = 0;
	s->begun_at = time(NULL);
	s->pass_bytes = 0;
	scrub->unit_at = 0;
	log_info("scrub_begin", "torrents=%" PRIu32 " rate_mib_per_s=%" PRId64,
	         torrents_cnt(scrub->registry->torrents), scrub->options->scrub_rate);
	state_save(scrub);
}

void
scrub_run(struct scrub *scrub)
{
	struct scrub_event event;

	while (scrub_reader_take(scrub->reader, &event))
		event_take(scrub, &event);
	if (scrub->reading &&
	    (scrub->options->scrub == 0 ||
	     !is_as_taken(scrub, torrents_by_id(scrub->registry->torrents, scrub->stats.torrent_id))))
		scrub_reader_cancel(scrub->reader);
	if (scrub->options->scrub == 0)
		return;
	scrub_reader_rate(scrub->reader, (uint64_t)scrub->options->scrub_rate << 20);
	if (!scrub->stats.running && is_due(scrub))
		pass_begin(scrub);
	if (scrub->stats.running && !scrub->reading)
		torrent_next(scrub);
	if (scrub->reading && clock_now_ms() - scrub->saved_ms >= SAVE_MS) {
		bytes_count(scrub);
		state_save(scrub);
	}
}

void
scrub_stats_get(struct scrub *scrub, struct scrub_stats *stats)
{
	bytes_count(scrub);
	*stats = scrub->stats;
	if (scrub->options->scrub > 0)
		stats->next_at = stats->begun_at + scrub->options->scrub * DAY_S;
}
