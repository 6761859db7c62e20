/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* api_token.h is the secret that clients of the HTTP API show: one line of a file. */
#ifndef SPILLWAY_CONTROL_API_API_TOKEN_H
#define SPILLWAY_CONTROL_API_API_TOKEN_H

#include "control/base/fail.h"
#include "control/api/http_guard.h"

/* api_token_load reads the token at path; where there is no file it makes one, mode 0600, of 256
 * random bits in hex. A token is HTTP_TOKEN_LEN_MIN to HTTP_TOKEN_LEN_MAX printable bytes without
 * spaces or colons.
 *
 * token  out.
 * Returns 0 or a negative errno with fail. */
int
api_token_load(const char *path, char token[HTTP_TOKEN_LEN_MAX + 1], struct fail *fail);

#endif
