/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which torrents a request of Transmission's RPC means. */
#include "control/api/transmission_parts.h"

#include "control/base/clock.h"
#include "control/base/id_list.h"

#include <stdlib.h>
#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct torrent *
by_hash(const struct torrents *torrents, const char *text)
{
	uint8_t hash[20];

	if (strlen(text) != 2 * sizeof(hash))
		return NULL;
	for (size_t i = 0; i < sizeof(hash); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return NULL;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return torrents_by_hash(torrents, hash);
}

static int
id_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* list_set sorts list into ids, each once, and takes its memory over. */
static void
list_set(struct tr_ids *ids, struct id_list *list)
{
	size_t kept = 0;

	if (list->cnt > 0)
		qsort(list->ids, list->cnt, sizeof(list->ids[0]), id_compare);
	for (uint32_t i = 0; i < list->cnt; i++)
		if (kept == 0 || list->ids[kept - 1] != list->ids[i])
			list->ids[kept++] = list->ids[i];
	ids->list = list->ids;
	ids->cnt = kept;
}

/* one_add adds what an item of "ids" means. Returns 0, or -1 after tr_refuse. */
static int
one_add(struct tr_call *call, const json_t *item, struct id_list *list)
{
	const struct torrents *torrents = call->t->env->registry->torrents;
	const struct torrent *torrent = NULL;

	if (json_is_integer(item)) {
		json_int_t id = json_integer_value(item);
		if (id > 0 && id <= UINT32_MAX)
			torrent = torrents_by_id(torrents, (uint32_t)id);
	} else if (json_is_string(item)) {
		torrent = by_hash(torrents, json_string_value(item));
	} else {
		tr_refuse(call, "ids: neither a number nor an info hash");
		return -1;
	}
	if (torrent != NULL && id_list_add(list, torrent->id) != 0) {
		tr_refuse(call, "out of memory");
		return -1;
	}
	return 0;
}

static int
list_read(struct tr_call *call, const json_t *json, struct tr_ids *ids)
{
	struct id_list list = {0};
	int err = 0;

	ids->kind = TR_IDS_LIST;
	if (json_is_array(json)) {
		for (size_t i = 0; err == 0 && i < json_array_size(json); i++)
			err = one_add(call, json_array_get(json, i), &list);
	} else {
		err = one_add(call, json, &list);
	}
	list_set(ids, &list);
	return err;
}

/* recent_serial returns the last serial that was given TR_RECENT_S ago. */
static uint64_t
recent_serial(const struct transmission *t)
{
	int64_t then_ms = clock_now_ms() - TR_RECENT_S * 1000;
	uint64_t serial = t->mark[0].serial;
	unsigned first = t->mark_cnt > TR_MARKS_MAX ? t->mark_cnt - TR_MARKS_MAX : 0;

	for (unsigned i = first; i < t->mark_cnt; i++) {
		if (i == first || t->mark[i % TR_MARKS_MAX].at_ms <= then_ms)
			serial = t->mark[i % TR_MARKS_MAX].serial;
	}
	return serial;
}

/* recent_read takes what changed, and what is active now. */
static int
recent_read(struct tr_call *call, struct tr_ids *ids)
{
	struct torrents *torrents = call->t->env->registry->torrents;
	struct id_list list = {0};
	size_t rate_cnt;
	const struct rate *rates = rates_all(call->t->rates, &rate_cnt);
	int err = 0;

	ids->kind = TR_IDS_RECENT;
	ids->serial = recent_serial(call->t);
	for (const struct torrent *t = torrents_changed_after(torrents, ids->serial);
	     err == 0 && t != NULL; t = t->changed_next)
		err = id_list_add(&list, t->id);
	for (size_t i = 0; err == 0 && i < rate_cnt; i++)
		err = id_list_add(&list, rates[i].id);
	list_set(ids, &list);
	if (err != 0)
		tr_refuse(call, "out of memory");
	return err != 0 ? -1 : 0;
}

int
tr_ids_read(struct tr_call *call, struct tr_ids *ids)
{
	const json_t *json = json_object_get(call->args, "ids");
	int err = 0;

	*ids = (struct tr_ids){.kind = TR_IDS_ALL};
	if (json_is_string(json) && strcmp(json_string_value(json), "recently-active") == 0)
		err = recent_read(call, ids);
	else if (json != NULL)
		err = list_read(call, json, ids);
	if (err != 0)
		tr_ids_free(ids);
	return err;
}

static struct torrent *
next_any(struct tr_ids *ids, struct torrents *torrents)
{
	if (ids->kind == TR_IDS_ALL) {
		struct torrent *t = torrents_after(torrents, ids->last_id);
		ids->last_id = t != NULL ? t->id : ids->last_id;
		return t;
	}
	struct torrent *t = NULL;
	while (t == NULL && ids->next < ids->cnt)
		t = torrents_by_id(torrents, ids->list[ids->next++]);
	return t;
}

struct torrent *
tr_ids_next(struct tr_ids *ids, struct torrents *torrents)
{
	struct torrent *t = next_any(ids, torrents);

	while (t != NULL && t->gone)
		t = next_any(ids, torrents);
	return t;
}

void
tr_ids_free(struct tr_ids *ids)
{
	free(ids->list);
	*ids = (struct tr_ids){.kind = TR_IDS_LIST};
}
