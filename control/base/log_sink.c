/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Events in fields: the journal's, and JSON. */
#include "control/base/log_sink.h"

#include <jansson.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* it would be this file's */
#include <systemd/sd-journal.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

bool
log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Every field that an event can have: those below, and a pair each. */
struct fields {
	struct iovec iov[LOG_PAIRS_MAX + 4];
	int cnt;
	size_t used;
	char text[3 * LOG_LINE_MAX];
};

static void
field_add(struct fields *fields, const char *name, const char *value)
{
	size_t room = sizeof(fields->text) - fields->used;
	int len = snprintf(fields->text + fields->used, room, "%s=%s", name, value);

	if (len < 0 || (size_t)len >= room || fields->cnt == LOG_PAIRS_MAX + 4)
		return;
	fields->iov[fields->cnt++] = (struct iovec){
		.iov_base = fields->text + fields->used,
		.iov_len = (size_t)len,
	};
	fields->used += (size_t)len;
}

static void
pair_add(struct fields *fields, const struct log_pair *pair)
{
	char name[LOG_KEY_MAX + 16] = "SPILLWAY_";
	size_t len = strlen(name);

	if (strcmp(pair->key, "id") == 0) {
		field_add(fields, "SPILLWAY_TORRENT_ID", pair->value);
		return;
	}
	for (const char *p = pair->key; *p != '\0'; p++)
		name[len++] = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	name[len] = '\0';
	field_add(fields, name, pair->value);
}

bool
log_to_journal(const struct log_entry *entry)
{
	static const char *const priorities[LOG_LEVEL_CNT] = {"6", "4", "3"}; /* of syslog(3) */
	char message[LOG_LINE_MAX];
	struct fields fields = {.cnt = 0};
	struct log_pair pair;
	const char *at = entry->pairs;

	snprintf(message, sizeof(message), "%s%s%s", entry->event, at[0] != '\0' ? " " : "", at);
	field_add(&fields, "PRIORITY", priorities[entry->level]);
	field_add(&fields, "SYSLOG_IDENTIFIER", "spillwayd");
	field_add(&fields, "SPILLWAY_EVENT", entry->event);
	field_add(&fields, "MESSAGE", message);
	while (log_pair_next(&at, &pair))
		pair_add(&fields, &pair);
	return sd_journal_sendv(fields.iov, fields.cnt) == 0;
}

/* text_json makes a JSON string of any bytes: what is not UTF-8 becomes "?". */
static json_t *
text_json(char *text)
{
	json_t *json = json_string(text);

	if (json != NULL)
		return json;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(text);
}

size_t
log_json(const struct log_entry *entry, char *out, size_t out_len)
{
	struct log_pair pair;
	const char *at = entry->pairs;
	json_t *object = json_pack("{s:s, s:s, s:s}", "time", entry->time, "level",
	                           entry->level_name, "event", entry->event);

	for (int i = 0; i < LOG_PAIRS_MAX && log_pair_next(&at, &pair); i++)
		json_object_set_new(object, pair.key, text_json(pair.value));
	size_t len = json_dumpb(object, out, out_len - 1, JSON_COMPACT);
	json_decref(object);
	if (len == 0 || len >= out_len)
		return 0;
	out[len] = '\n';
	return len + 1;
}
