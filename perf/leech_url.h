/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_url.h: where over HTTP the file is. Single thread; no memory of its own. */
#ifndef SPILLWAY_PERF_LEECH_URL_H
#define SPILLWAY_PERF_LEECH_URL_H

#include "perf/leech_options.h"

/* leech_url_take fills peer, http_host and http_path from options->url.
 *
 * Returns 0, or -1 after one clear line on stderr: it is not http://, too long, or its host has no
 * IPv4 address. */
int
leech_url_take(struct leech_options *options);

/* leech_url_make fills http_host from options->peer and http_path from a file's name, in which
 * what has a meaning in a URL is escaped (RFC 3986 2.1). Returns as leech_url_take. */
int
leech_url_make(struct leech_options *options, const char *name);

#endif
