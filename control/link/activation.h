/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* activation.h answers one ABI_ACTIVATE: it sends a torrent's layout and then, in batches, the
 * descriptors of its files, each of which must be as it was when it was verified.
 *
 * Threads: one. Memory: the metainfo until activation_end. Lifecycle: activation_begin,
 * activation_step while it returns ACTIVATION_MORE, activation_end.
 */
#ifndef SPILLWAY_CONTROL_LINK_ACTIVATION_H
#define SPILLWAY_CONTROL_LINK_ACTIVATION_H

#include "control/link/dpclient.h"
#include "control/base/fail.h"
#include "control/catalogue/registry.h"

#include <stdint.h>

enum activation_progress {
	ACTIVATION_MORE,    /* sent one request; call again while dpclient_room is not 0 */
	ACTIVATION_SENT,    /* everything is sent */
	ACTIVATION_CHANGED, /* a file differs from what was verified; fail names it */
	ACTIVATION_FAILED,  /* a file cannot be had; fail names it */
	ACTIVATION_BUSY,    /* out of descriptors or memory: not the torrent's fault; fail says so */
	ACTIVATION_LOST,    /* the connection failed; fail says how */
};

struct activation;

/* activation_begin loads what is known of torrent id. Sends nothing.
 * Returns 0 or a negative errno with fail. */
int
activation_begin(struct activation **activation, struct registry *registry, uint32_t id,
                 struct fail *fail);

/* activation_step sends the next request; dpclient_room must not be 0.
 *
 * cookie  out: of what was sent, 0 when nothing was. */
enum activation_progress
activation_step(struct activation *activation, struct dpclient *client, uint32_t *cookie,
                struct fail *fail);

/* activation_id returns the torrent's id. */
uint32_t
activation_id(const struct activation *activation);

/* activation_end frees everything; NULL is allowed. */
void
activation_end(struct activation *activation);

#endif
