/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands.h is what the operator can ask of spillwayd, over rpc.h. A torrent is named by
 * "torrent": an info_hash, its first 8 or more digits, a name, or the beginning of one; where there
 * may be several, by an array "torrents" of such.
 *
 *      add     data, detach, class, labels, partial, what settings.h reads; as descriptor the
 *              .torrent, or an info dictionary with trackers. Progress lines, then "torrent". A
 *              torrent that is there and not wholly served is verified again. With torrent_len
 *              the .torrent is so many bytes, and what is known of the content follows (known.h):
 *              it is believed, as the operator is.
 *      remove  torrent(s). "torrent" or "torrents" as they were.
 *      set     torrent(s); what settings.h reads. "torrent" or "torrents" as they are now.
 *      label   torrent(s), add, remove: arrays of labels. "torrent" or "torrents".
 *      apply   base, dry_run, prune; a manifest (manifest.h) as descriptor. Progress lines, and
 *              for a dry run one with "difference" each, then "added", "changed", "removed" and
 *              "unchanged", their numbers.
 *      list    label, state: only those; since: only what changed after that serial. One line with
 *              "torrent" or "removed" each, then "torrents", their number, "serial", to ask with
 *              the next time, and "reset": since is not known (any more), all are told.
 *      show    torrent. "torrent" with "data", "magnet", "trackers", ...
 *      stats   "dataplane", "totals", "counters" (name: value) and "counter_texts" (name: text).
 *      active  "torrents": what is served now, a few fields each (commands_active.h).
 *      verify  torrent, torrents or all; detach. The content is read again, what is right is served
 *              meanwhile. Progress lines and one with "torrent" for each, then "verified", their
 *              number; with detach only "asked".
 *      peers   torrent, if not all. One line with "peer" each, then "peers", their number.
 *      api_token  "api", "token", "token_file": see commands_api.h.
 *      announce  torrent, if not all. "torrents" and "asked", trackers that are told at once, and
 *              "wait_seconds" until the last of those may be asked that may not yet (announce.h).
 *      limit   see commands_limit.h: limits of rates and connections, or what is to change of them.
 *      drain   likewise: on. "drain" and "peers".
 *      dht     "dht", see commands_dht.h, and "counter_texts".
 *      reload  "changed" and "needs_restart": names of options, see reload.h.
 *      trace   peer, ADDRESS:PORT. "trace": the last events of the connection, the oldest first.
 *
 * Threads: one. Nothing blocks but reading a .torrent and looking at its files.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_H

#include "control/announce/announce.h"
#include "control/dht/dht.h"
#include "control/link/link.h"
#include "control/options/options.h"
#include "control/policy/policy.h"
#include "control/catalogue/registry.h"
#include "control/options/reload.h"
#include "control/commands/rpc.h"
#include "control/work/scrub.h"
#include "control/link/session.h"
#include "control/work/work.h"

#include <stdbool.h>

enum commands_limit {
	COMMANDS_PROGRESS_MS = 200, /* between progress lines */
};

/* What commands work on; all borrowed. */
struct commands_env {
	const struct options *options;
	const struct classes *classes;
	struct registry *registry;
	struct tally *tally;
	struct link *link;
	const struct dht *dht;
	struct work *work;
	struct apply *apply;
	struct scrub *scrub;
	struct rpc *rpc;
	const struct reload_env *reload;
	struct announce *announce;
	struct policy *policy;
};

struct commands;

/* commands_create returns 0 or -ENOMEM. */
int
commands_create(struct commands **commands, const struct commands_env *env);

/* commands_destroy frees everything; NULL is allowed. */
void
commands_destroy(struct commands *commands);

/* commands_run serves the requests that have come and goes on with those that take time. */
void
commands_run(struct commands *commands);

/* commands_timeout_ms returns when commands_run is due though nothing comes, -1 for never. */
int
commands_timeout_ms(const struct commands *commands);

#endif
