/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* transmission.h answers Transmission's RPC at /transmission/rpc, as Transmission 4.0 specifies it
 * (docs/rpc-spec.md, rpc-version 17), so that the tools that speak it can control Spillway.
 *
 *      {"method": "torrent-get", "arguments": {...}, "tag": 1}
 *        → {"arguments": {...}, "result": "success", "tag": 1}
 *
 * A request without the X-Transmission-Session-Id of this run is answered 409 with it (2.2.1).
 *
 * Threads: one. Lifecycle: transmission_create; transmission_run, transmission_handle in turns;
 * transmission_destroy, which must come after the end of all answers.
 */
#ifndef SPILLWAY_CONTROL_API_TRANSMISSION_H
#define SPILLWAY_CONTROL_API_TRANSMISSION_H

#include "control/commands/commands.h"
#include "control/api/http.h"
#include "control/api/rates.h"

enum transmission_limit {
	TRANSMISSION_BODY_MAX = 24 << 20, /* a .torrent of 16 MiB in base64, and some */
	TRANSMISSION_SESSION_LEN = 48,
};

struct transmission;

/* transmission_create returns 0 or a negative errno with fail. env is borrowed. */
int
transmission_create(struct transmission **transmission, const struct commands_env *env,
                    struct fail *fail);

/* transmission_destroy frees everything; NULL is allowed. */
void
transmission_destroy(struct transmission *transmission);

/* transmission_run takes note of what is due; to be called in each turn of the loop. */
void
transmission_run(struct transmission *transmission);

/* transmission_timeout_ms returns when transmission_run is due, -1 for never. */
int
transmission_timeout_ms(const struct transmission *transmission);

/* transmission_rates returns the rates that it keeps, for others who show them; borrowed. */
struct rates *
transmission_rates(const struct transmission *transmission);

/* transmission_answer answers the body of a request. */
void
transmission_answer(struct transmission *transmission, const char *body, size_t len,
                    struct http_response *response);

/* transmission_handle is the route's handler; its env is a struct api. */
void
transmission_handle(const struct http_request *request, struct http_response *response);

#endif
