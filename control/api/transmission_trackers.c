/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fields of torrent-get about trackers: as they are announced to, or, of a torrent that is not,
 * as the .torrent names them. */
#include "control/api/transmission_view.h"

#include "control/announce/announce.h"
#include "control/commands/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Transmission's numbers (libtransmission/transmission.h, tr_tracker_state). */
enum {
	TRACKER_INACTIVE = 0,
	TRACKER_WAITING = 1,
	TRACKER_QUEUED = 2,
	TRACKER_ACTIVE = 3,
};

/* rows_read fills rows; of a torrent that is not announced they have never been asked. */
static uint32_t
rows_read(const struct tr_view *v, struct announce_row rows[METAINFO_TRACKERS_MAX])
{
	const struct announce *announce = v->t->env->announce;
	uint32_t cnt = announce != NULL
	                   ? announce_status(announce, v->torrent, rows, METAINFO_TRACKERS_MAX)
	                   : 0;
	const struct metainfo *meta = cnt == 0 ? tr_meta(v) : NULL;

	for (uint32_t i = 0; meta != NULL && i < meta->tracker_cnt; i++)
		rows[cnt++] = (struct announce_row){
			.url = meta->tracker[i].url,
			.text = "",
			.tier = meta->tracker[i].tier,
			.state = ANNOUNCE_STANDBY,
			.seeders = UINT32_MAX,
			.leechers = UINT32_MAX,
			.downloaded = UINT32_MAX,
		};
	return cnt < METAINFO_TRACKERS_MAX ? cnt : METAINFO_TRACKERS_MAX;
}

/* host_json is "scheme://host:port" of a URL, or with bare the host alone. */
static json_t *
host_json(const char *url, bool bare)
{
	const char *begin = strstr(url, "://");

	begin = begin != NULL ? begin + 3 : url;
	char *text = bare ? strndup(begin, strcspn(begin, ":/?#"))
	                  : strndup(url, (size_t)(begin - url) + strcspn(begin, "/?#"));
	json_t *json = text != NULL ? answer_text(text) : NULL;
	free(text);
	return json;
}

/* scrape_json is the URL of scrapes, where there is one (BEP 48). */
static json_t *
scrape_json(const char *url)
{
	const char *slash = strrchr(url, '/');

	if (strncmp(url, "udp:", 4) == 0 || slash == NULL || strncmp(slash, "/announce", 9) != 0)
		return json_string("");
	size_t len = strlen(url);
	char *text = malloc(len + 1);
	if (text != NULL)
		snprintf(text, len + 1, "%.*s/scrape%s", (int)(slash - url), url, slash + 9);
	json_t *json = text != NULL ? answer_text(text) : NULL;
	free(text);
	return json;
}

static json_t *
tracker_json(const struct announce_row *row, uint32_t id)
{
	return json_pack("{s:o, s:I, s:o, s:o, s:I}", "announce", answer_text(row->url), "id",
	                 (json_int_t)id, "scrape", scrape_json(row->url), "sitename",
	                 host_json(row->url, true), "tier", (json_int_t)row->tier);
}

static json_t *
make_trackers(const struct tr_view *v)
{
	struct announce_row rows[METAINFO_TRACKERS_MAX];
	uint32_t cnt = rows_read(v, rows);
	json_t *list = json_array();

	for (uint32_t i = 0; i < cnt; i++)
		json_array_append_new(list, tracker_json(&rows[i], i));
	return list;
}

/* make_tracker_list is one URL a line, with an empty line between tiers. */
static json_t *
make_tracker_list(const struct tr_view *v)
{
	struct announce_row rows[METAINFO_TRACKERS_MAX];
	uint32_t cnt = rows_read(v, rows);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	for (uint32_t i = 0; i < cnt; i++)
		fprintf(out, "%s%s\n", i > 0 && rows[i].tier != rows[i - 1].tier ? "\n" : "", rows[i].url);
	fclose(out);
	json_t *json = answer_text(text);
	free(text);
	return json;
}

static int
state_number(enum announce_state state)
{
	switch (state) {
	case ANNOUNCE_WAITING:
		return TRACKER_QUEUED;
	case ANNOUNCE_ASKING:
		return TRACKER_ACTIVE;
	case ANNOUNCE_STANDBY:
		return TRACKER_INACTIVE;
	default:
		return TRACKER_WAITING;
	}
}

/* count_json is a number of a scrape; -1: not known. */
static json_t *
count_json(uint32_t count)
{
	return json_integer(count != UINT32_MAX ? (json_int_t)count : -1);
}

static void
announce_add(json_t *stat, const struct announce_row *row)
{
	bool asked = row->last_at > 0, well = row->state == ANNOUNCE_WORKING;
	uint32_t peers = row->seeders != UINT32_MAX && row->leechers != UINT32_MAX
	                     ? row->seeders + row->leechers
	                     : 0;

	json_object_set_new(stat, "announceState", json_integer(state_number(row->state)));
	json_object_set_new(stat, "hasAnnounced", json_boolean(asked));
	json_object_set_new(stat, "isBackup", json_boolean(row->state == ANNOUNCE_STANDBY));
	json_object_set_new(stat, "lastAnnouncePeerCount", json_integer(peers));
	json_object_set_new(stat, "lastAnnounceResult",
	                    well && row->text[0] == '\0' ? json_string("Success")
	                                                 : answer_text(row->text));
	json_object_set_new(stat, "lastAnnounceStartTime", json_integer(row->last_at));
	json_object_set_new(stat, "lastAnnounceSucceeded", json_boolean(asked && well));
	json_object_set_new(stat, "lastAnnounceTime", json_integer(row->last_at));
	json_object_set_new(stat, "lastAnnounceTimedOut", json_false());
	json_object_set_new(stat, "nextAnnounceTime", json_integer(row->next_at));
}

/* scrape_add tells the numbers, which an announce brings, too. */
static void
scrape_add(json_t *stat, const struct announce_row *row)
{
	bool known = row->seeders != UINT32_MAX || row->downloaded != UINT32_MAX;

	json_object_set_new(stat, "downloadCount", count_json(row->downloaded));
	json_object_set_new(stat, "seederCount", count_json(row->seeders));
	json_object_set_new(stat, "leecherCount", count_json(row->leechers));
	json_object_set_new(stat, "hasScraped", json_boolean(known));
	json_object_set_new(stat, "lastScrapeResult", json_string(""));
	json_object_set_new(stat, "lastScrapeStartTime", json_integer(known ? row->last_at : 0));
	json_object_set_new(stat, "lastScrapeSucceeded", json_boolean(known));
	json_object_set_new(stat, "lastScrapeTime", json_integer(known ? row->last_at : 0));
	json_object_set_new(stat, "lastScrapeTimedOut", json_false());
	json_object_set_new(stat, "nextScrapeTime", json_integer(row->next_at));
	json_object_set_new(stat, "scrapeState", json_integer(TRACKER_WAITING));
}

static json_t *
make_tracker_stats(const struct tr_view *v)
{
	struct announce_row rows[METAINFO_TRACKERS_MAX];
	uint32_t cnt = rows_read(v, rows);
	json_t *list = json_array();

	for (uint32_t i = 0; i < cnt; i++) {
		json_t *stat = tracker_json(&rows[i], i);
		json_object_set_new(stat, "host", host_json(rows[i].url, false));
		announce_add(stat, &rows[i]);
		scrape_add(stat, &rows[i]);
		json_array_append_new(list, stat);
	}
	return list;
}

const struct tr_field tr_fields_tracker[] = {
	{"trackerList", false, make_tracker_list},
	{"trackerStats", false, make_tracker_stats},
	{"trackers", false, make_trackers},
};
const size_t tr_fields_tracker_cnt = sizeof(tr_fields_tracker) / sizeof(tr_fields_tracker[0]);
