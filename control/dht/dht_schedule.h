/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_schedule.h decides which torrent is announced to the DHT next.
 *
 * Every torrent has its moment in each period, which follows from the last bits of its info_hash:
 * so announces are spread evenly over the period, and those that follow each other ask nodes all
 * over the id space, which goes by the first bits. In the order of info_hashes the same few would
 * be asked too much. One that is new, or whose announce failed, does not wait for its moment; the
 * new ones are taken in the same order, in turns with those whose moment has come.
 *
 *      FRESH ─┐                ┌─ stored ─► RESTING ─ its moment ─► DUE
 *      DUE ───┴─ taken ─► BUSY ┤                                     ▲
 *                              ├─ failed ─► RETRY ─ after a while ───┘
 *                              └─ private ─► BARRED
 *
 * Threads: one. Memory: 56 bytes a torrent.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_SCHEDULE_H
#define SPILLWAY_CONTROL_DHT_DHT_SCHEDULE_H

#include "control/dht/dht_id.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_schedule_limit {
	DHT_PERIOD_MS = 28 * 60 * 1000, /* nodes forget a peer after 30 minutes */
	DHT_RETRY_MS = 60 * 1000,
	DHT_SLOTS = 4096,               /* moments in a period */
};

/* What is known of a torrent's announces. */
struct dht_last {
	int64_t at_ms;       /* end of the last announce; 0: none yet */
	uint32_t stored_cnt; /* nodes that stored it then */
	uint32_t failed_cnt; /* announces that failed since one was stored */
	bool busy;           /* one is under way */
	bool barred;
};

/* A torrent whose turn it is. */
struct dht_due {
	uint8_t info_hash[DHT_ID_LEN];
	uint32_t tag;
	bool cleared; /* dht_schedule_clear was called */
};

struct dht_schedule;

/* dht_schedule_create makes an empty schedule. Returns 0 or -ENOMEM. */
int
dht_schedule_create(struct dht_schedule **schedule, int64_t now_ms);

/* dht_schedule_destroy frees it; NULL is allowed. */
void
dht_schedule_destroy(struct dht_schedule *schedule);

/* dht_schedule_add adds a torrent, to be announced soon; of one that is there it takes the tag.
 * tag is anything. Returns 0 or -ENOMEM. */
int
dht_schedule_add(struct dht_schedule *schedule, const uint8_t *info_hash, uint32_t tag);

/* dht_schedule_remove forgets a torrent; an unknown one is no error. */
void
dht_schedule_remove(struct dht_schedule *schedule, const uint8_t *info_hash);

/* dht_schedule_gone forgets a torrent that does not come to its turn soon, or never; of any other
 * the turn shows that it is gone. Costs the same however many there are. */
void
dht_schedule_gone(struct dht_schedule *schedule, const uint8_t *info_hash);

/* dht_schedule_next takes the torrent that is to be announced now: it is BUSY until
 * dht_schedule_done, dht_schedule_bar or dht_schedule_remove. Returns false when there is none. */
bool
dht_schedule_next(struct dht_schedule *schedule, int64_t now_ms, struct dht_due *due);

/* dht_schedule_clear notes that a torrent may be announced: it needs not be found out again. */
void
dht_schedule_clear(struct dht_schedule *schedule, const uint8_t *info_hash);

/* dht_schedule_bar has a BUSY torrent never announced (BEP 27): its info_hash says so for ever. */
void
dht_schedule_bar(struct dht_schedule *schedule, const uint8_t *info_hash);

/* dht_schedule_done tells how an announce ended; stored_cnt 0: it failed. */
void
dht_schedule_done(struct dht_schedule *schedule, const uint8_t *info_hash, uint32_t stored_cnt,
                  int64_t now_ms);

/* dht_schedule_last tells what is known of a torrent; false when it is not there. */
bool
dht_schedule_last(const struct dht_schedule *schedule, const uint8_t *info_hash,
                  struct dht_last *last);

/* dht_schedule_cnt returns how many torrents there are that may be announced; *waiting_cnt, of them
 * those that should have been announced by now. */
uint32_t
dht_schedule_cnt(const struct dht_schedule *schedule, uint32_t *waiting_cnt);

#endif
