/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* answer_peer.h makes the JSON of connections and of their traces: raw numbers, units in the names.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_ANSWER_PEER_H
#define SPILLWAY_CONTROL_COMMANDS_ANSWER_PEER_H

#include "control/catalogue/torrents.h"
#include "dataplane/abi.h"

#include <jansson.h>

/* answer_peer returns a connection's object, or NULL when out of memory. peer must be as
 * dpclient_receive lets it through. torrents: for the torrent's name. */
json_t *
answer_peer(const struct torrents *torrents, const struct abi_peer *peer);

/* The names of enum abi_limited in JSON. */
extern const char *const answer_limit_names[ABI_LIMITED_CNT];

/* answer_trace returns an array of events, the oldest first, or NULL when out of memory. */
json_t *
answer_trace(const struct abi_traced *traced);

#endif
