/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A queue of ids in one array. */
#include "control/base/id_list.h"

#include <errno.h>
#include <stdlib.h>

int
id_list_add(struct id_list *list, uint32_t id)
{
	if (list->head == list->cnt)
		list->head = list->cnt = 0;
	if (list->cnt == list->room) {
		uint32_t room = list->room ? 2 * list->room : 64;
		uint32_t *ids = realloc(list->ids, room * sizeof(*ids));
		if (ids == NULL)
			return -ENOMEM;
		list->ids = ids;
		list->room = room;
	}
	list->ids[list->cnt++] = id;
	return 0;
}

bool
id_list_take(struct id_list *list, uint32_t *id)
{
	if (list->head == list->cnt)
		return false;
	*id = list->ids[list->head++];
	return true;
}

void
id_list_clear(struct id_list *list)
{
	list->head = list->cnt = 0;
}

void
id_list_free(struct id_list *list)
{
	free(list->ids);
	*list = (struct id_list){0};
}
