/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* list.h is a doubly linked list whose links live in its members.
 *
 * Memory. A head is a struct link that leads to itself while empty; a member's link is zero while
 * it is in no list. */
#ifndef SPILLWAY_DATAPLANE_BASE_LIST_H
#define SPILLWAY_DATAPLANE_BASE_LIST_H

#include "dataplane/base/common.h"

struct link {
	struct link *next;
	struct link *prev;
};

/* list_init makes an empty list. */
static inline void
list_init(struct link *head)
{
	head->next = head;
	head->prev = head;
}

/* list_first returns the first link, or NULL when the list is empty. */
static inline struct link *
list_first(const struct link *head)
{
	return head->next == head ? NULL : head->next;
}

/* list_next returns the link after one of the list, or NULL at the end. */
static inline struct link *
list_next(const struct link *head, const struct link *link)
{
	return link->next == head ? NULL : link->next;
}

/* link_is_set tells whether a member is in a list. */
static inline bool
link_is_set(const struct link *link)
{
	return link->next != NULL;
}

/* link_insert puts a member, in no list, before another link or, given the head, at the end. */
static inline void
link_insert(struct link *before, struct link *link)
{
	dp_assert(!link_is_set(link));
	link->next = before;
	link->prev = before->prev;
	before->prev->next = link;
	before->prev = link;
}

/* link_remove takes a member out of its list; one in no list is left as it is. */
static inline void
link_remove(struct link *link)
{
	if (!link_is_set(link))
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = NULL;
	link->prev = NULL;
}

#endif
