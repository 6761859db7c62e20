/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The files of the page. */
#include "control/api/web.h"

#include <string.h>

void
web_handle(const struct http_request *request, struct http_response *response)
{
	for (const struct web_file *file = web_files; file->path != NULL; file++) {
		if (strcmp(file->path, request->path) != 0)
			continue;
		response->type = file->type;
		response->fixed = file->bytes;
		response->body_len = file->len;
		return;
	}
	http_respond_error(response, 404, "there is no such file");
}
