/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The envelope of Transmission's RPC, and the table of its methods. */
#include "control/transmission.h"

#include "control/answer.h"
#include "control/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct transmission {
	const struct commands_env *env;
	char session[TRANSMISSION_SESSION_LEN + 1];
};

int
transmission_create(struct transmission **transmission, const struct commands_env *env,
                    struct fail *fail)
{
	uint8_t bytes[TRANSMISSION_SESSION_LEN / 2];
	struct transmission *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		free(t);
		return fail_set(fail, EIO, "getrandom failed");
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(t->session + 2 * i, 3, "%02x", bytes[i]);
	t->env = env;
	*transmission = t;
	return 0;
}

void
transmission_destroy(struct transmission *transmission)
{
	free(transmission);
}

static void
conflict(const struct transmission *t, struct http_response *response)
{
	static const char text[] = "{\"error\": \"409: the header X-Transmission-Session-Id of this "
	                           "answer is needed\"}";

	response->status = 409;
	response->fixed = text;
	response->body_len = sizeof(text) - 1;
	response->header[0].name = "X-Transmission-Session-Id";
	response->header[0].value = t->session;
}

void
transmission_handle(const struct http_request *request, struct http_response *response)
{
	struct transmission *t = ((struct api *)request->env)->transmission;
	const char *session = http_request_header(request, "X-Transmission-Session-Id");

	if (session == NULL || strcmp(session, t->session) != 0) {
		conflict(t, response);
		return;
	}
	http_respond_json(response, 200, json_pack("{s:{}, s:s}", "arguments", "result",
	                                           "method name not recognized"));
}
