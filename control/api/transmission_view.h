/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* transmission_view.h is the fields that torrent-get can tell of a torrent (spec 3.3), and what
 * each needs to be known. transmission_fields.c has those of the catalogue in memory,
 * transmission_detail.c those that need the metainfo or what was verified, transmission_trackers.c
 * those of trackers, transmission_peers.c peers.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_API_TRANSMISSION_VIEW_H
#define SPILLWAY_CONTROL_API_TRANSMISSION_VIEW_H

#include "control/content/metainfo.h"
#include "control/api/transmission_parts.h"

/* What was read from disk for a view, when a field wanted it. */
struct tr_loan {
	bool has_source, has_verified; /* it was tried */
	struct metainfo *meta;
	char *data_dir;
	struct catalogue_verified verified;
};

/* A torrent as it is told of. */
struct tr_view {
	struct transmission *t;
	const struct torrent *torrent;
	struct torrent_whole whole;
	struct rate rate;
	int64_t now;           /* seconds since 1970 */
	struct tr_loan *loan;  /* of zeros in the beginning */
	json_t *peers;         /* an array; NULL when not asked for */
};

struct tr_field {
	const char *name;
	bool needs_peers; /* view->peers */
	json_t *(*make)(const struct tr_view *view);
};

/* tr_field_find returns a field, or NULL when there is none of that name. */
const struct tr_field *
tr_field_find(const char *name);

extern const struct tr_field tr_fields_detail[];
extern const size_t tr_fields_detail_cnt;
extern const struct tr_field tr_fields_tracker[];
extern const size_t tr_fields_tracker_cnt;

/* tr_meta returns the metainfo, NULL when it cannot be had; tr_data_dir the directory of the
 * content, "" likewise. Reads from disk when asked for first. */
const struct metainfo *
tr_meta(const struct tr_view *view);
const char *
tr_data_dir(const struct tr_view *view);

/* tr_have returns the bitfield of piece_cnt pieces; NULL when all or none are had, or it cannot be
 * read. */
const uint8_t *
tr_have(const struct tr_view *view);

/* tr_loan_end frees what was read. */
void
tr_loan_end(struct tr_loan *loan);

/* tr_peers is the peers of a torrent, being asked for. */
struct tr_peers {
	uint32_t worker; /* who is being asked */
	uint32_t ticket; /* of the question that is not answered; 0: none is asked */
	uint32_t cursor;
	json_t *list;    /* of what came */
};

/* tr_peers_ask goes on asking for a torrent's peers; *peers is zeroed in the beginning.
 *
 * torrent_id  0: of all torrents.
 * Returns true when all have come, as far as the dataplane tells: peers->list is then the caller's.
 */
bool
tr_peers_ask(const struct transmission *t, uint32_t torrent_id, struct tr_peers *peers);

/* tr_peers_drop ends asking. */
void
tr_peers_drop(const struct transmission *t, struct tr_peers *peers);

#endif
