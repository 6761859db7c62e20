/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* enforce.h brings what control has set to where it holds: rates to the shaper and the sessions
 * that they limit, refused addresses to tcp, slots to wire.
 *
 * Threads. The worker. A new policy looks at every session once; nobody is closed by it but those
 * of an address that is refused now.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_ENFORCE_H
#define SPILLWAY_DATAPLANE_WORKER_ENFORCE_H

#include "dataplane/worker/worker.h"

/* enforce_policy takes an ABI_POLICY. Returns as policy_open; on failure nothing is changed. */
COLD enum abi_status
enforce_policy(struct worker *worker, const struct abi_policy *all, int fd);

/* enforce_rates takes an ABI_RATES. Returns ABI_OK or ABI_ERR_MESSAGE. */
COLD enum abi_status
enforce_rates(struct worker *worker, const struct abi_rates *rates);

/* enforce_used fills what was used. */
COLD void
enforce_used(const struct worker *worker, struct abi_used *used);

/* enforce_torrents follows a change of the limits of torrents, those of entries whose relimit is
 * set: their peers only. */
COLD void
enforce_torrents(struct worker *worker, const struct abi_entry *entries, uint32_t cnt);

/* enforce_admit counts a new session in. False, counted: its class has as many as it may, or its
 * address is refused since it began to connect. */
bool
enforce_admit(struct worker *worker, struct session *session, uint32_t address_be);

/* enforce_forget counts a session out, and it waits for nothing any more. */
void
enforce_forget(struct worker *worker, struct session *session);

/* enforce_named has a session that has named its torrent limited by what limits that, once the
 * torrent is active: of those there are no more than the shaper has nodes. session->settled says
 * that this is done. */
void
enforce_named(struct worker *worker, struct session *session);

#endif
