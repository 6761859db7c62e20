/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* registry.h changes a torrent in both places at once, in memory (torrents.h) and on disk
 * (catalogue.h), and queues it so that the dataplane follows. A change that the disk refuses is
 * logged and still made in memory: what is served must not depend on it.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_REGISTRY_H
#define SPILLWAY_CONTROL_CATALOGUE_REGISTRY_H

#include "control/catalogue/catalogue.h"
#include "control/base/fail.h"
#include "control/content/metainfo.h"
#include "control/content/verify.h"
#include "control/catalogue/torrents.h"
#include "control/catalogue/withdrawals.h"

#include <stdint.h>

/* What is to be stored with a torrent beside its metainfo. */
struct registry_wish {
	const char *data_dir;
	const char *class_name; /* "" for none */
	const char *labels;     /* as labels.h; NULL: none */
	const struct torrent_settings *settings; /* NULL: those preset */
	bool partial; /* files may be missing */
};

/* What the registry is made for. */
struct registry_limits {
	uint32_t torrents_max;
	uint32_t worker_cnt; /* of the dataplane, [1, ABI_WORKERS_MAX] */
};

struct registry {
	struct catalogue *catalogue;
	struct torrents *torrents;
	struct withdrawals withdrawn; /* to be told to every worker (link.h) */
};

/* registry_open opens the catalogue and loads every torrent; those that were verified are to be
 * checked, and those in error, too; the others are to be verified.
 *
 * limits  more torrents are refused.
 * Returns 0 or a negative errno with fail. */
int
registry_open(struct registry *registry, const char *path, const struct registry_limits *limits,
              struct fail *fail);

/* registry_close frees everything. */
void
registry_close(struct registry *registry);

/* registry_add stores a torrent that is to be verified.
 *
 * torrent  out.
 * Returns 0, -EEXIST, or a negative errno; fail is set. */
int
registry_add(struct registry *registry, const struct metainfo *meta,
             const struct registry_wish *wish, struct torrent **torrent, struct fail *fail);

/* registry_reverify sends a torrent back to verification, with content in data_dir, and gives it
 * the class unless that is "".
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_reverify(struct registry *registry, struct torrent *torrent,
                  const struct registry_wish *wish, struct fail *fail);

/* registry_verify has torrents verified again. One that is served goes on being served meanwhile.
 * That it was asked for is remembered over restarts.
 *
 * torrents  not in verification.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_verify(struct registry *registry, struct torrent *const *torrents, uint32_t cnt,
                struct fail *fail);

/* registry_know stores what is known of a torrent that is to be verified: that much is not read.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_know(struct registry *registry, const struct torrent *torrent,
              const struct verify_saved *saved, uint32_t cnt, struct fail *fail);

/* registry_verify_failed makes a torrent whose verification failed TORRENT_ERROR, and stores the
 * files that failed.
 *
 * pin_cnt  0: they are not known, and the next start tries again. */
void
registry_verify_failed(struct registry *registry, struct torrent *torrent,
                       const struct content_pin *pin, size_t pin_cnt, const char *reason);

/* registry_disk_refused reports a change that the disk did not take. */
void
registry_disk_refused(const struct torrent *torrent, const struct fail *fail);

/* registry_set_state changes state and reason; only TORRENT_SEEDING is offered to peers. */
void
registry_set_state(struct registry *registry, struct torrent *torrent, enum torrent_state state,
                   const char *reason);

/* registry_set_verified stores what verification found, and makes the torrent TORRENT_SEEDING. Of
 * one that was that already, the workers withdraw what is lost; where anything else is new they
 * let go of the torrent and get it again, which costs its peers their connections. */
void
registry_set_verified(struct registry *registry, struct torrent *torrent,
                      const struct catalogue_verified *verified);

/* registry_set_settings changes what the operator wants of a torrent.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_set_settings(struct registry *registry, struct torrent *torrent,
                      const struct torrent_settings *settings, struct fail *fail);

/* registry_set_labels replaces a torrent's labels, which must be as labels.h.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_set_labels(struct registry *registry, struct torrent *torrent, const char *labels,
                    struct fail *fail);

/* registry_withdraw takes pieces [piece_first, piece_first + piece_cnt), which must be within the
 * torrent, out of what we have; the workers are the caller's to tell. Without any piece left the
 * torrent becomes TORRENT_CHANGED. */
void
registry_withdraw(struct registry *registry, struct torrent *torrent, uint32_t piece_first,
                  uint32_t piece_cnt, const char *reason);

/* registry_add_uploaded adds to what a torrent has uploaded. */
void
registry_add_uploaded(struct registry *registry, struct torrent *torrent, uint64_t bytes);

/* registry_remove forgets a torrent on disk and hides it in memory; it is freed by registry_settle.
 * Returns 0 or a negative errno with fail; nothing is changed then. */
int
registry_remove(struct registry *registry, struct torrent *torrent, struct fail *fail);

/* registry_take is what registry_set_settings and registry_set_labels do in memory; NULL is left as
 * it is. When out of memory labels are. */
void
registry_take(struct registry *registry, struct torrent *torrent,
              const struct torrent_settings *settings, const char *labels);

/* registry_forget is what registry_remove does in memory. */
void
registry_forget(struct registry *registry, struct torrent *torrent);

/* registry_let_go makes the workers let go of a torrent that is hidden; it may be freed at once. */
void
registry_let_go(struct registry *registry, struct torrent *torrent);

/* registry_outdate notes that what the workers hold of a torrent is not its content any more, and
 * that it is to be verified. */
void
registry_outdate(struct torrent *torrent);

/* registry_sweep deletes on disk what up to cnt removed torrents have left behind.
 * Returns true when there may be more. */
bool
registry_sweep(struct registry *registry, uint32_t cnt);

/* registry_settle frees a hidden torrent that no worker holds (any more). Returns true when it did.
 */
bool
registry_settle(struct registry *registry, struct torrent *torrent);

/* registry_metainfo reads and parses a torrent's metainfo.
 *
 * meta      out, to be freed with metainfo_free.
 * data_dir  out, to be freed; may be NULL when not wanted.
 * Returns 0 or a negative errno with fail. */
int
registry_metainfo(struct registry *registry, uint32_t id, struct metainfo **meta, char **data_dir,
                  struct fail *fail);

#endif
