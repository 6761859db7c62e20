/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* adding.h is how a torrent comes in, from whomever: the operator's command, the API, the watched
 * folder.
 *
 * Threads: one. Nothing blocks but reading a .torrent and looking at its files.
 */
#ifndef SPILLWAY_CONTROL_WORK_ADDING_H
#define SPILLWAY_CONTROL_WORK_ADDING_H

#include "control/commands/commands.h"
#include "control/content/metainfo.h"

/* adding_parse makes a metainfo of a .torrent, or of an info dictionary by itself, which is what
 * peers give to each other (BEP 9).
 *
 * trackers  of an info dictionary: an array of URLs, each a tier of its own; NULL for none.
 * Returns 0 with meta, to be freed with metainfo_free, or a negative errno with fail. */
int
adding_parse(const uint8_t *bytes, size_t len, const json_t *trackers, struct metainfo **meta,
             struct fail *fail);

/* adding_bytes reads a regular file of up to METAINFO_LEN_MAX bytes whole.
 *
 * bytes  out, to be freed, also after a failure.
 * Returns 0 or a negative errno with fail. */
int
adding_bytes(int fd, uint8_t **bytes, size_t *len, struct fail *fail);

/* adding_read is adding_parse of a descriptor, which stays the caller's; -1 is refused. */
int
adding_read(int fd, const json_t *trackers, struct metainfo **meta, struct fail *fail);

/* adding_check tells whether a torrent can be served and whether its content is there: every file
 * is opened once. Any thread.
 *
 * partial  files may be missing, not all of them.
 * Returns 0 or a negative errno with fail. */
int
adding_check(const struct metainfo *meta, const char *data_dir, bool partial, struct fail *fail);

/* adding_add stores a torrent and sends it to verification. One that is there and not wholly served
 * is verified again, with the data_dir and the class of wish.
 *
 * torrent  out.
 * Returns 0 or a negative errno with fail: -EEXIST (it is seeded or being verified; torrent is set
 * then), it cannot be served, content is missing or of the wrong size, torrents_max is reached. */
int
adding_add(const struct commands_env *env, const struct metainfo *meta,
           const struct registry_wish *wish, struct torrent **torrent, struct fail *fail);

#endif
