/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue.h is what spillwayd remembers over restarts: the torrents, where their content lies and
 * what of it was verified. It is an SQLite database (WAL, synchronous=NORMAL) in which each change
 * is one transaction, so that a crash leaves the state before or after it.
 *
 * Threads: one. Memory: struct catalogue is small; blobs are read when asked for.
 * Lifecycle: catalogue_open, catalogue_next until 0, the rest in any order, catalogue_close.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_H
#define SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_H

#include "control/base/classes.h"
#include "control/content/content.h"
#include "control/base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CATALOGUE_APPLICATION 0x53504c57 /* "SPLW", PRAGMA application_id */
#define CATALOGUE_SCHEMA      3          /* PRAGMA user_version */

/* The numbers are stored: they are never reused. */
enum torrent_state {
	TORRENT_VERIFYING = 1, /* waits for or is in verification; not served */
	TORRENT_SEEDING = 2,   /* verified, offered to peers with the pieces that we have */
	TORRENT_CHANGED = 3,   /* content differs from what was verified; not served */
	TORRENT_ERROR = 4,     /* content cannot be had or verified; not served */
	TORRENT_STATE_CNT
};

enum torrent_settings_limit {
	TORRENT_WEIGHT_MIN = 1,
	TORRENT_WEIGHT_MAX = 1000,
	TORRENT_WEIGHT_PRESET = 100,
	TORRENT_CONNECTIONS_MAX = 1 << 20,
};

#define TORRENT_RATE_MAX (UINT64_C(1) << 40)

/* What the operator wants of a torrent. */
struct torrent_settings {
	uint64_t rate_bytes_per_s; /* 0: no limit of its own */
	uint32_t weight;           /* [TORRENT_WEIGHT_MIN, TORRENT_WEIGHT_MAX] */
	uint32_t connections_max;  /* 0: no limit of its own */
	bool paused;               /* not offered to peers */
	bool super_seed;           /* BEP 16 */
};

struct catalogue_row {
	uint32_t id; /* never 0, never given twice */
	uint8_t info_hash[20];
	enum torrent_state state;
	const char *name;
	const char *reason; /* why CHANGED or ERROR, or why pieces were withdrawn; "" if nothing */
	const char *class_name; /* of congestion_classes; "" for none */
	const char *labels;     /* as labels.h */
	struct torrent_settings settings;
	bool partial; /* files may be missing */
	bool managed; /* a manifest names or has named it */
	int64_t added_at;   /* seconds since 1970 */
	int64_t verified_at; /* 0: never */
	uint64_t total_len;
	uint64_t uploaded_bytes;
	uint32_t file_cnt;
	uint32_t piece_cnt;
	uint32_t have_cnt;
	uint32_t withdrawn_cnt; /* pieces taken back since verification */
};

/* What the .torrent said and where its content is. */
struct catalogue_source {
	uint8_t *metainfo;
	size_t metainfo_len;
	char *data_dir;
};

struct catalogue_verified {
	uint8_t *have; /* BEP 3 bitfield */
	size_t have_len;
	uint64_t *fingerprints;
	size_t fingerprint_cnt;
	struct content_pin *pins; /* by descriptor index of the layout */
	size_t pin_cnt;
	uint32_t unit_len;
	uint32_t have_cnt;
};

struct catalogue;

/* catalogue_open opens the database at path, makes it if there is none, and brings an older one up
 * to date.
 *
 * Returns 0, or a negative errno with fail: not a database, corrupt, another program's, written by
 * a newer Spillway, no permission. The file is then left as it was. */
int
catalogue_open(struct catalogue **catalogue, const char *path, struct fail *fail);

/* catalogue_close releases everything; NULL is allowed. */
void
catalogue_close(struct catalogue *catalogue);

/* catalogue_path returns where the database is; it lasts until catalogue_close. */
const char *
catalogue_path(const struct catalogue *catalogue);

/* catalogue_unit_max returns the longest read unit that is stored, 0 if nothing is. */
uint32_t
catalogue_unit_max(struct catalogue *catalogue);

/* catalogue_next steps through all torrents, ids ascending; the texts in row last until the next
 * call. Returns 1 with a row, 0 after the last, or a negative errno with fail. */
int
catalogue_next(struct catalogue *catalogue, struct catalogue_row *row, struct fail *fail);

/* catalogue_add stores a torrent; row->id is out, the counts of what we have start at 0.
 * Returns 0, -EEXIST when the info_hash is there, or a negative errno; fail is set. */
int
catalogue_add(struct catalogue *catalogue, struct catalogue_row *row,
              const struct catalogue_source *source, struct fail *fail);

/* catalogue_add_staged is catalogue_add of a torrent whose metainfo catalogue_stage.h has stored;
 * may be part of a transaction. */
int
catalogue_add_staged(struct catalogue *catalogue, struct catalogue_row *row, const char *data_dir,
                     int64_t source_id, struct fail *fail);

/* catalogue_adopt ends the adding of all that was staged, within the same transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_adopt(struct catalogue *catalogue, struct fail *fail);

/* catalogue_hold keeps the log from being moved into the database, which waits for the disk, until
 * it is called with false: meanwhile stage_settle does that. */
void
catalogue_hold(struct catalogue *catalogue, bool hold);

/* catalogue_unstage gives up what is staged: it is left to catalogue_sweep.
 * Returns 0 or -errno with fail. */
int
catalogue_unstage(struct catalogue *catalogue, struct fail *fail);

/* catalogue_remove forgets a torrent; an unknown id is no error. What is large of it is left to
 * catalogue_sweep. May be part of a transaction. Returns 0 or -errno with fail. */
int
catalogue_remove(struct catalogue *catalogue, uint32_t id, struct fail *fail);

/* catalogue_sweep deletes what one removed torrent has left behind.
 * Returns 1 when it did, 0 when there is nothing left to do, or -errno with fail. */
int
catalogue_sweep(struct catalogue *catalogue, struct fail *fail);

/* catalogue_set_state stores state and reason. Returns 0 or -errno with fail. */
int
catalogue_set_state(struct catalogue *catalogue, uint32_t id, enum torrent_state state,
                    const char *reason, struct fail *fail);

/* catalogue_set_place stores where the content is and whether files may be missing; the torrent's
 * state becomes TORRENT_VERIFYING. May be part of a transaction. Returns 0 or -errno with fail. */
int
catalogue_set_place(struct catalogue *catalogue, uint32_t id, const char *data_dir, bool partial,
                    struct fail *fail);

/* catalogue_set_managed notes that a manifest names the torrent; may be part of a transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_set_managed(struct catalogue *catalogue, uint32_t id, struct fail *fail);

/* catalogue_data_dir reads where the content is, to be freed.
 * Returns 0, -ENOENT, or a negative errno; fail is set. */
int
catalogue_data_dir(struct catalogue *catalogue, uint32_t id, char **data_dir, struct fail *fail);

/* catalogue_set_class stores the class; may be part of a transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_set_class(struct catalogue *catalogue, uint32_t id, const char *class_name,
                    struct fail *fail);

/* catalogue_set_settings stores the settings; may be part of a transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_set_settings(struct catalogue *catalogue, uint32_t id,
                       const struct torrent_settings *settings, struct fail *fail);

/* catalogue_set_labels stores the labels, which are as labels.h; may be part of a transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_set_labels(struct catalogue *catalogue, uint32_t id, const char *labels,
                     struct fail *fail);

/* catalogue_set_verified replaces what is known to be verified; the torrent's state becomes
 * TORRENT_SEEDING, its reason "", its withdrawn_cnt 0. Returns 0 or -errno with fail. */
int
catalogue_set_verified(struct catalogue *catalogue, uint32_t id,
                       const struct catalogue_verified *verified, int64_t verified_at,
                       struct fail *fail);

/* catalogue_set_failed stores, in place of what was verified, the files whose verification failed.
 *
 * pin_cnt  0: they are not known.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
catalogue_set_failed(struct catalogue *catalogue, uint32_t id, const struct content_pin *pin,
                     size_t pin_cnt, struct fail *fail);

/* catalogue_withdraw stores a have bitfield from which pieces were taken.
 *
 * row  id, have_cnt, withdrawn_cnt and reason are read.
 * Returns 0 or -errno with fail. */
int
catalogue_withdraw(struct catalogue *catalogue, const struct catalogue_row *row,
                   const uint8_t *have, size_t have_len, struct fail *fail);

/* catalogue_add_uploaded adds to a torrent's uploaded_bytes. Returns 0 or -errno with fail. */
int
catalogue_add_uploaded(struct catalogue *catalogue, uint32_t id, uint64_t bytes,
                       struct fail *fail);

/* catalogue_begin opens a transaction: what is stored until catalogue_finish is stored together.
 * One may be within another, which then decides over what both have stored. Returns 0 or -errno
 * with fail. */
int
catalogue_begin(struct catalogue *catalogue, struct fail *fail);

/* catalogue_finish commits when err is 0, else rolls back.
 * Returns err, or why it could not be committed; fail is set then. */
int
catalogue_finish(struct catalogue *catalogue, int err, struct fail *fail);

/* catalogue_source reads a torrent's metainfo and data_dir; release with catalogue_source_free.
 * Returns 0, -ENOENT, or a negative errno; fail is set. */
int
catalogue_source(struct catalogue *catalogue, uint32_t id, struct catalogue_source *source,
                 struct fail *fail);

/* catalogue_source_free releases what catalogue_source allocated and zeroes source. */
void
catalogue_source_free(struct catalogue_source *source);

/* catalogue_setting_get reads a text that catalogue_setting_set stored.
 *
 * value  out, to be freed; NULL on failure.
 * Returns 0, -ENOENT, or a negative errno; fail is set. */
int
catalogue_setting_get(struct catalogue *catalogue, const char *key, char **value,
                      struct fail *fail);

/* catalogue_setting_set stores a text under a key, for the small things that are not a torrent's.
 * Keys begin with their part's name: "dht.node_id". Returns 0 or -errno with fail. */
int
catalogue_setting_set(struct catalogue *catalogue, const char *key, const char *value,
                      struct fail *fail);

/* catalogue_verified reads what was verified; release with catalogue_verified_free.
 * Returns 0, -ENOENT when nothing was, or a negative errno; fail is set. */
int
catalogue_verified(struct catalogue *catalogue, uint32_t id, struct catalogue_verified *verified,
                   struct fail *fail);

/* catalogue_verified_free releases what catalogue_verified allocated and zeroes verified. */
void
catalogue_verified_free(struct catalogue_verified *verified);

#endif
