/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* web.h is the page that shows what happens now: the files of control/web, built into the program.
 * They hold nothing of the daemon's; what they show comes from live.h, with the token that the
 * reader types in and that stays in the reader's tab.
 *
 * Threads: any, no state.
 */
#ifndef SPILLWAY_CONTROL_API_WEB_H
#define SPILLWAY_CONTROL_API_WEB_H

#include "control/api/http.h"

struct web_file {
	const char *path; /* "/", "/spillway.js" */
	const char *type;
	const char *bytes;
	size_t len;
};

/* The files; path NULL is the last. Made by control/api/web/embed.py. */
extern const struct web_file web_files[];

/* web_handle is the handler of the routes of all files. */
void
web_handle(const struct http_request *request, struct http_response *response);

#endif
