/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Changes to what is known to be verified, in memory, on disk and at the workers. */
#include "control/catalogue/registry.h"

#include "control/catalogue/catalogue_ranges.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* places_stale has every worker let go of a torrent before it gets it again. */
static void
places_stale(struct torrent *torrent)
{
	for (uint32_t i = 0; i < torrent->place_cnt; i++) {
		struct torrent_place *place = &torrent->place[i];

		if (place->sync == SYNC_REFUSED)
			place->sync = SYNC_ABSENT;
		place->stale = true;
	}
}

static void
ranges_clear(struct registry *registry, const struct torrent *torrent)
{
	struct fail fail;

	if (catalogue_ranges_clear(registry->catalogue, torrent->id, &fail) != 0)
		registry_disk_refused(torrent, &fail);
}

void
registry_outdate(struct torrent *torrent)
{
	places_stale(torrent);
	torrent->to_verify = true;
	torrent->to_check = false;
}

int
registry_reverify(struct registry *registry, struct torrent *torrent,
                  const struct registry_wish *wish, struct fail *fail)
{
	bool partial = torrent->partial || wish->partial;
	int err =
		catalogue_set_place(registry->catalogue, torrent->id, wish->data_dir, partial, fail);

	if (err == 0 && wish->class_name[0] != '\0')
		err = catalogue_set_class(registry->catalogue, torrent->id, wish->class_name, fail);
	if (err != 0)
		return err;
	if (wish->class_name[0] != '\0')
		snprintf(torrent->class_name, sizeof(torrent->class_name), "%s", wish->class_name);
	torrent->partial = partial;
	places_stale(torrent);
	ranges_clear(registry, torrent);
	registry_set_state(registry, torrent, TORRENT_VERIFYING, "");
	torrent->to_verify = true;
	return 0;
}

int
registry_verify(struct registry *registry, struct torrent *const *torrents, uint32_t cnt,
                struct fail *fail)
{
	uint32_t *ids = calloc(cnt + 1, sizeof(*ids));
	int err = ids == NULL ? fail_set(fail, ENOMEM, "out of memory") : 0;

	for (uint32_t i = 0; err == 0 && i < cnt; i++)
		ids[i] = torrents[i]->id;
	if (err == 0)
		err = catalogue_ranges_ask(registry->catalogue, ids, cnt, fail);
	free(ids);
	for (uint32_t i = 0; err == 0 && i < cnt; i++) {
		struct torrent *torrent = torrents[i];

		if (torrent->state != TORRENT_SEEDING) {
			places_stale(torrent);
			registry_set_state(registry, torrent, TORRENT_VERIFYING, "");
		}
		torrent->to_verify = true;
		torrents_touch(registry->torrents, torrent);
	}
	return err;
}

int
registry_know(struct registry *registry, const struct torrent *torrent,
              const struct verify_saved *saved, uint32_t cnt, struct fail *fail)
{
	int err = catalogue_begin(registry->catalogue, fail);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < cnt; i++)
		err = catalogue_range_put(registry->catalogue, torrent->id, &saved[i], fail);
	return catalogue_finish(registry->catalogue, err, fail);
}

void
registry_verify_failed(struct registry *registry, struct torrent *torrent,
                       const struct content_pin *pin, size_t pin_cnt, const char *reason)
{
	struct fail fail;

	ranges_clear(registry, torrent);
	if (catalogue_set_failed(registry->catalogue, torrent->id, pin, pin_cnt, &fail) != 0)
		registry_disk_refused(torrent, &fail);
	registry_set_state(registry, torrent, TORRENT_ERROR, reason);
}

/* ---- What was found. */

/* How what was found differs from what is served. */
struct difference {
	bool layout; /* other files or read units, or pieces that were not had: workers begin anew */
	uint32_t lost_cnt;
	uint32_t gained_cnt;
};

static bool
bit_is(const uint8_t *have, uint32_t piece)
{
	return have[piece / 8] & 0x80 >> piece % 8; /* BEP 3 */
}

static struct difference
difference_find(const struct torrent *torrent, const struct catalogue_verified *old,
                const struct catalogue_verified *now)
{
	struct difference difference = {
		.layout = old->unit_len != now->unit_len || old->pin_cnt != now->pin_cnt ||
		          old->have_len != now->have_len,
	};

	for (size_t i = 0; !difference.layout && i < now->pin_cnt; i++)
		difference.layout = !content_pin_equal(&old->pins[i], &now->pins[i]);
	for (uint32_t i = 0; old->have_len == now->have_len && i < torrent->piece_cnt; i++) {
		difference.lost_cnt += bit_is(old->have, i) && !bit_is(now->have, i);
		difference.gained_cnt += !bit_is(old->have, i) && bit_is(now->have, i);
	}
	difference.layout |= difference.gained_cnt > 0;
	return difference;
}

/* lost_tell queues what is lost for the workers, run by run. */
static void
lost_tell(struct registry *registry, const struct torrent *torrent,
          const struct catalogue_verified *old, const struct catalogue_verified *now)
{
	for (uint32_t i = 0; i < torrent->piece_cnt; i++) {
		struct abi_withdraw run = {.id = torrent->id, .piece_first = i};

		while (i < torrent->piece_cnt && bit_is(old->have, i) && !bit_is(now->have, i))
			i++;
		run.piece_cnt = i - run.piece_first;
		if (run.piece_cnt > 0 && withdrawals_add(&registry->withdrawn, &run) != 0)
			registry_disk_refused(torrent, &(struct fail){.text = "out of memory"});
	}
}

/* withdrawn_keep stores how many pieces of a torrent that is served are not, any more. */
static void
withdrawn_keep(struct registry *registry, struct torrent *torrent, uint32_t withdrawn_cnt,
               const struct catalogue_verified *now)
{
	uint32_t missing_cnt = torrent->piece_cnt - torrent->have_cnt;
	struct catalogue_row row = {.id = torrent->id, .have_cnt = torrent->have_cnt};
	struct fail fail;
	char reason[64];

	torrent->withdrawn_cnt = withdrawn_cnt < missing_cnt ? withdrawn_cnt : missing_cnt;
	if (torrent->withdrawn_cnt == 0)
		return;
	snprintf(reason, sizeof(reason), "verification found %" PRIu32 " pieces changed",
	         torrent->withdrawn_cnt);
	torrents_set_reason(registry->torrents, torrent, reason);
	row.withdrawn_cnt = torrent->withdrawn_cnt;
	row.reason = torrent->reason;
	if (catalogue_withdraw(registry->catalogue, &row, now->have, now->have_len, &fail) != 0)
		registry_disk_refused(torrent, &fail);
}

static void
verified_store(struct registry *registry, struct torrent *torrent,
               const struct catalogue_verified *verified)
{
	struct fail fail;

	torrent->state = TORRENT_SEEDING;
	torrent->to_check = false;
	torrent->verified_at = time(NULL);
	torrent->have_cnt = verified->have_cnt;
	torrent->withdrawn_cnt = 0;
	torrents_set_reason(registry->torrents, torrent, "");
	int err = catalogue_set_verified(registry->catalogue, torrent->id, verified,
	                                 torrent->verified_at, &fail);
	if (err != 0) {
		registry_disk_refused(torrent, &fail);
		/* Fingerprints are had from disk only: without them nothing can be served. */
		torrent->state = TORRENT_ERROR;
		torrents_set_reason(registry->torrents, torrent, fail.text);
	}
	ranges_clear(registry, torrent);
	torrents_push_all(registry->torrents, torrent);
}

void
registry_set_verified(struct registry *registry, struct torrent *torrent,
                      const struct catalogue_verified *verified)
{
	uint32_t withdrawn_cnt = torrent->withdrawn_cnt;
	struct catalogue_verified old = {0};
	struct fail ignored;

	if (torrent->state != TORRENT_SEEDING ||
	    catalogue_verified(registry->catalogue, torrent->id, &old, &ignored) != 0) {
		verified_store(registry, torrent, verified);
		return;
	}
	struct difference difference = difference_find(torrent, &old, verified);
	verified_store(registry, torrent, verified);
	if (difference.layout) {
		places_stale(torrent);
		torrents_push_all(registry->torrents, torrent);
	} else if (difference.lost_cnt > 0) {
		lost_tell(registry, torrent, &old, verified);
	}
	if (torrent->state == TORRENT_SEEDING)
		withdrawn_keep(registry, torrent, withdrawn_cnt + difference.lost_cnt, verified);
	catalogue_verified_free(&old);
}

static uint32_t
bits_clear(uint8_t *have, uint32_t first, uint32_t cnt)
{
	uint32_t cleared_cnt = 0;

	for (uint32_t i = first; i < first + cnt; i++) {
		uint8_t bit = (uint8_t)(0x80 >> (i % 8));
		cleared_cnt += (have[i / 8] & bit) != 0;
		have[i / 8] &= (uint8_t)~bit;
	}
	return cleared_cnt;
}

void
registry_withdraw(struct registry *registry, struct torrent *torrent, uint32_t piece_first,
                  uint32_t piece_cnt, const char *reason)
{
	struct catalogue_verified verified;
	struct fail fail;

	torrents_set_reason(registry->torrents, torrent, reason);
	int err = catalogue_verified(registry->catalogue, torrent->id, &verified, &fail);
	if (err != 0 || verified.have_len < ((size_t)piece_first + piece_cnt + 7) / 8) {
		if (err == 0)
			catalogue_verified_free(&verified);
		else
			registry_disk_refused(torrent, &fail);
		return;
	}
	uint32_t cleared_cnt = bits_clear(verified.have, piece_first, piece_cnt);
	torrent->have_cnt -= cleared_cnt < torrent->have_cnt ? cleared_cnt : torrent->have_cnt;
	torrent->withdrawn_cnt += cleared_cnt;
	struct catalogue_row row = {
		.id = torrent->id,
		.have_cnt = torrent->have_cnt,
		.withdrawn_cnt = torrent->withdrawn_cnt,
		.reason = torrent->reason,
	};
	if (catalogue_withdraw(registry->catalogue, &row, verified.have, verified.have_len, &fail) != 0)
		registry_disk_refused(torrent, &fail);
	catalogue_verified_free(&verified);
	if (torrent->have_cnt == 0)
		registry_set_state(registry, torrent, TORRENT_CHANGED, reason);
}
