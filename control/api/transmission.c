/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The envelope of Transmission's RPC, and the table of its methods. */
#include "control/api/transmission.h"

#include "control/commands/answer.h"
#include "control/api/api.h"
#include "control/base/clock.h"
#include "control/api/transmission_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SESSION_HEADER "X-Transmission-Session-Id"

int
transmission_create(struct transmission **transmission, const struct commands_env *env,
                    struct fail *fail)
{
	uint8_t bytes[TRANSMISSION_SESSION_LEN / 2];
	struct transmission *t = calloc(1, sizeof(*t));

	if (t == NULL || rates_create(&t->rates, env->registry, env->tally) != 0) {
		free(t);
		return fail_set(fail, ENOMEM, "out of memory");
	}
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		transmission_destroy(t);
		return fail_set(fail, EIO, "getrandom failed");
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(t->session + 2 * i, 3, "%02x", bytes[i]);
	t->env = env;
	t->began_ms = clock_now_ms();
	*transmission = t;
	return 0;
}

void
transmission_destroy(struct transmission *transmission)
{
	if (transmission != NULL) {
		tr_acts_drop(transmission);
		rates_destroy(transmission->rates);
	}
	free(transmission);
}

struct rates *
transmission_rates(const struct transmission *transmission)
{
	return transmission->rates;
}

void
transmission_run(struct transmission *t)
{
	int64_t now_ms = clock_now_ms();

	rates_run(t->rates);
	tr_acts_run(t);
	if (t->mark_cnt > 0 && now_ms - t->mark[(t->mark_cnt - 1) % TR_MARKS_MAX].at_ms < 1000)
		return;
	t->mark[t->mark_cnt % TR_MARKS_MAX].at_ms = now_ms;
	t->mark[t->mark_cnt % TR_MARKS_MAX].serial = torrents_serial(t->env->registry->torrents);
	t->mark_cnt++;
}

int
transmission_timeout_ms(const struct transmission *t)
{
	return t->acts != NULL ? 0 : rates_timeout_ms(t->rates);
}

/* ---- Arguments. */

void
tr_refuse(struct tr_call *call, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(call->text, sizeof(call->text), fmt, args);
	va_end(args);
	call->refused = true;
}

static int
wrong_type(struct tr_call *call, const char *name, const char *what)
{
	tr_refuse(call, "%s: not %s", name, what);
	return -1;
}

int
tr_text(struct tr_call *call, const char *name, const char **value)
{
	const json_t *json = json_object_get(call->args, name);

	if (json == NULL)
		return 0;
	if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json))
		return wrong_type(call, name, "a text");
	*value = json_string_value(json);
	return 1;
}

int
tr_number(struct tr_call *call, const char *name, json_int_t *value)
{
	const json_t *json = json_object_get(call->args, name);

	if (json == NULL)
		return 0;
	if (!json_is_number(json))
		return wrong_type(call, name, "a number");
	double real = json_number_value(json);
	if (!(real > -9e15 && real < 9e15))
		return wrong_type(call, name, "a number of this world");
	*value = json_is_integer(json) ? json_integer_value(json) : (json_int_t)real;
	return 1;
}

int
tr_bool(struct tr_call *call, const char *name, bool *value)
{
	const json_t *json = json_object_get(call->args, name);

	if (json == NULL)
		return 0;
	if (!json_is_boolean(json) && !json_is_integer(json))
		return wrong_type(call, name, "true or false");
	*value = json_is_true(json) || (json_is_integer(json) && json_integer_value(json) != 0);
	return 1;
}

/* ---- Methods. */

/* What has no queue has nothing to move in it. */
static void
queue_move(struct tr_call *call)
{
	(void)call;
}

static void
group_get(struct tr_call *call)
{
	json_object_set_new(call->out, "group", json_array());
}

struct refused_method {
	const char *name;
	const char *why;
};

/* What is known and not done. */
static const struct refused_method refused_methods[] = {
	{"torrent-rename-path", "Spillway does not change content: it only reads it"},
	{"session-close", "spillwayd is stopped where it was started: systemctl stop spillwayd"},
	{"port-test", "no service outside is asked whether the port can be reached"},
	{"group-set", "there are no bandwidth groups: see labels and spillway limit"},
};

static const struct method {
	const char *name;
	void (*run)(struct tr_call *call);
} methods[] = {
	{"torrent-get", tr_torrent_get},
	{"torrent-add", tr_torrent_add},
	{"torrent-set", tr_torrent_set},
	{"torrent-set-location", tr_torrent_set_location},
	{"torrent-remove", tr_torrent_remove},
	{"torrent-start", tr_torrent_start},
	{"torrent-start-now", tr_torrent_start},
	{"torrent-stop", tr_torrent_stop},
	{"torrent-verify", tr_torrent_verify},
	{"torrent-reannounce", tr_torrent_reannounce},
	{"session-get", tr_session_get},
	{"session-set", tr_session_set},
	{"session-stats", tr_session_stats},
	{"free-space", tr_free_space},
	{"blocklist-update", tr_blocklist_update},
	{"group-get", group_get},
	{"queue-move-top", queue_move},
	{"queue-move-up", queue_move},
	{"queue-move-down", queue_move},
	{"queue-move-bottom", queue_move},
};

static void
method_run(struct tr_call *call, const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			methods[i].run(call);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(refused_methods) / sizeof(refused_methods[0]); i++) {
		if (strcmp(refused_methods[i].name, name) == 0) {
			tr_refuse(call, "%s: %s", name, refused_methods[i].why);
			return;
		}
	}
	tr_refuse(call, "method name not recognized");
}

/* ---- The envelope. */

char *
tr_envelope(const char *result, json_t *out, const json_t *tag)
{
	json_t *json = json_pack("{s:o, s:o}", "arguments", out, "result", answer_text(result));

	if (json != NULL && tag != NULL)
		json_object_set_new(json, "tag", json_deep_copy(tag));
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static void
envelope_send(struct http_response *response, unsigned status, char *text)
{
	response->status = text != NULL ? status : 500;
	response->body = text;
	response->body_len = text != NULL ? strlen(text) : 0;
}

static void
answer(struct transmission *t, const struct tr_body *body, struct http_response *response)
{
	const json_t *json = body->json;
	const char *method = json_string_value(json_object_get(json, "method"));
	const json_t *args = json_object_get(json, "arguments"), *tag = json_object_get(json, "tag");
	json_t *none = json_object();
	struct tr_call call = {
		.t = t,
		.body = body,
		.args = args != NULL ? args : none, /* tremc sends session-stats a number */
		.tag = json_is_number(tag) ? tag : NULL,
		.out = json_object(),
	};

	if (method == NULL)
		tr_refuse(&call, "no method name");
	else if (!json_is_object(call.args) && strncmp(method, "session-", 8) != 0)
		tr_refuse(&call, "arguments: not an object");
	else if (call.out != NULL)
		method_run(&call, method);
	json_decref(none);
	if (call.stream.next != NULL) {
		json_decref(call.out);
		response->status = 200;
		response->stream = call.stream;
		return;
	}
	envelope_send(response, 200,
	              tr_envelope(call.refused ? call.text : "success", call.out, call.tag));
}

/* conflict tells the session's id in the header, and in the text, where some tools look for it. */
static void
conflict(const struct transmission *t, struct http_response *response)
{
	char text[160];

	snprintf(text, sizeof(text), "409: a header is needed: %s: %s", SESSION_HEADER, t->session);
	http_respond_error(response, 409, text);
	response->header[0].name = SESSION_HEADER;
	response->header[0].value = t->session;
}

void
transmission_handle(const struct http_request *request, struct http_response *response)
{
	struct transmission *t = ((struct api *)request->env)->transmission;
	const char *session = http_request_header(request, SESSION_HEADER);

	if (session == NULL || strcmp(session, t->session) != 0)
		conflict(t, response);
	else
		transmission_answer(t, request->body, request->body_len, response);
}

void
transmission_answer(struct transmission *t, const char *body, size_t len,
                    struct http_response *response)
{
	struct tr_body parsed;
	struct fail fail;

	if (tr_body_parse(&parsed, body, len, &fail) == 0) {
		answer(t, &parsed, response);
		json_decref(parsed.json);
	} else {
		envelope_send(response, 400, tr_envelope(fail.text, json_object(), NULL));
	}
}
