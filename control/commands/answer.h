/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* answer.h makes the JSON that commands.h answers with.
 *
 * Threads: one. Every json_t returned is the caller's; NULL when out of memory.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_ANSWER_H
#define SPILLWAY_CONTROL_COMMANDS_ANSWER_H

#include "control/base/json_text.h"
#include "control/commands/commands.h"
#include "control/content/metainfo.h"

#include <jansson.h>

/* answer_text returns text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
json_t *
answer_text(const char *text);

/* answer_hex returns bytes as hexadecimal digits; len [0, 32]. */
json_t *
answer_hex(const uint8_t *bytes, size_t len);

/* answer_state returns a torrent's state as it is shown: "verifying", "seeding", "paused" (one that
 * would be seeding), "changed" or "error". */
const char *
answer_state(const struct torrent *torrent);

#define ANSWER_STATES "verifying, seeding, paused, changed, error"

/* answer_state_known is true for what answer_state may return: ANSWER_STATES. */
bool
answer_state_known(const char *state);

/* answer_labels returns an array of a torrent's labels. */
json_t *
answer_labels(const struct torrent *torrent);

/* answer_magnet returns a torrent's magnet link (BEP 9). */
json_t *
answer_magnet(const struct metainfo *meta);

/* answer_torrent_text writes of one torrent what list shows; live_* must be fresh (tally_stats).
 *
 * name  of the member that it is; NULL for none. */
void
answer_torrent_text(struct json_text *out, const char *name, const struct commands_env *env,
                    const struct torrent *torrent);

/* answer_torrent is the same as a tree. */
json_t *
answer_torrent(const struct commands_env *env, const struct torrent *torrent);

/* answer_torrent_whole adds to answer_torrent what only the metainfo knows. */
json_t *
answer_torrent_whole(const struct commands_env *env, const struct torrent *torrent);

/* answer_dataplane tells of the dataplane's process. */
json_t *
answer_dataplane(const struct commands_env *env);

/* answer_totals tells the sums of stats; stats as of the last tally_stats, may be NULL. */
json_t *
answer_totals(const struct commands_env *env, const struct stats *stats);

/* answer_stats tells all of stats. */
json_t *
answer_stats(const struct commands_env *env);

/* answer_progress tells how far a verification is: "phase", "done_bytes", "total_bytes",
 * "rate_bytes_per_s" and "left_s", null when not known. */
json_t *
answer_progress(const char *phase, const struct work_progress *progress);

#endif
