/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Looks at the blocklist's file. */
#include "control/policy/blocks.h"

#include "control/base/clock.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One look: whether the file is another than was read before, and if so what is in it. */
struct blocks_look {
	char path[PATH_MAX];
	struct stat st; /* as it was when it was read; then as it is */
	bool changed;   /* it was read, or cannot be */
	int err;
	struct fail fail;
	struct blocklist list;
};

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void
look_run(void *arg)
{
	struct blocks_look *look = arg;
	struct stat st;

	if (stat(look->path, &st) != 0) {
		look->err = fail_set(&look->fail, errno, "%s: %s", look->path, strerror(errno));
		return;
	}
	look->changed = !same_file(&st, &look->st);
	look->st = st;
	if (look->changed)
		look->err = blocklist_read(&look->list, look->path, &look->fail);
}

static void
look_free(void *arg)
{
	struct blocks_look *look = arg;

	blocklist_free(&look->list);
	free(look);
}

/* look_make prepares a look at path. Returns NULL when out of memory. */
static struct blocks_look *
look_make(const struct blocks *blocks, const char *path)
{
	struct blocks_look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return NULL;
	snprintf(look->path, sizeof(look->path), "%s", path);
	if (strcmp(path, blocks->path) == 0)
		look->st = blocks->st;
	return look;
}

/* list_replace takes another list, and leaves it empty. */
static void
list_replace(struct blocks *blocks, struct blocklist *list, const char *path)
{
	blocklist_free(&blocks->list);
	blocks->list = *list;
	*list = (struct blocklist){0};
	log_info("blocklist", "path=%s ranges=%" PRIu32, path[0] != '\0' ? LOG_QUOTE(path) : "-",
	         blocks->list.cnt);
}

/* look_take takes what a look found. Returns 0 or a negative errno with fail. */
static int
look_take(struct blocks *blocks, struct blocks_look *look, struct fail *fail)
{
	if (look->changed) { /* a bad one is not read again until it changes */
		snprintf(blocks->path, sizeof(blocks->path), "%s", look->path);
		blocks->st = look->st;
	}
	if (look->err != 0)
		return fail_set(fail, -look->err, "option blocklist: %s", look->fail.text);
	if (look->changed)
		list_replace(blocks, &look->list, look->path);
	return 0;
}

static void
look_end(struct blocks *blocks)
{
	aside_end(blocks->aside);
	blocks->aside = NULL;
	blocks->look = NULL;
}

int
blocks_first(struct blocks *blocks, const char *path, struct fail *fail)
{
	struct blocks_look *look;
	int err;

	blocks->look_ms = clock_now_ms() + BLOCKS_LOOK_MS;
	if (path[0] == '\0')
		return 0;
	look = look_make(blocks, path);
	if (look == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	look_run(look);
	err = look_take(blocks, look, fail);
	look_free(look);
	return err;
}

/* look_begin begins one, unless one at the same file is under way. */
static void
look_begin(struct blocks *blocks, const char *path)
{
	if (blocks->aside != NULL && strcmp(blocks->look->path, path) == 0)
		return;
	look_end(blocks);
	blocks->look = look_make(blocks, path);
	if (blocks->look != NULL)
		blocks->aside = aside_begin(look_run, look_free, blocks->look);
	if (blocks->aside != NULL)
		return;
	log_error("out_of_memory", "path=%s", LOG_QUOTE(path));
	free(blocks->look);
	blocks->look = NULL;
}

bool
blocks_follow(struct blocks *blocks, const char *path)
{
	struct blocklist none = {0};

	blocks->look_ms = clock_now_ms() + BLOCKS_LOOK_MS;
	if (path[0] != '\0') {
		look_begin(blocks, path);
		return false;
	}
	look_end(blocks);
	if (blocks->path[0] == '\0')
		return false;
	blocks->path[0] = '\0';
	list_replace(blocks, &none, path);
	return true;
}

bool
blocks_run(struct blocks *blocks, const char *path)
{
	bool changed = false;
	struct fail fail;

	if (blocks->aside != NULL && aside_done(blocks->aside, 0)) {
		int err = look_take(blocks, blocks->look, &fail);
		if (err != 0)
			log_error("blocklist_refused", "reason=%s", LOG_QUOTE(fail.text));
		changed = err == 0 && blocks->look->changed;
		look_end(blocks);
	}
	if (path[0] != '\0' && clock_now_ms() >= blocks->look_ms)
		blocks_follow(blocks, path);
	return changed;
}

int
blocks_timeout_ms(const struct blocks *blocks, const char *path)
{
	int64_t wait_ms = blocks->look_ms - clock_now_ms();

	if (path[0] == '\0')
		return -1;
	if (blocks->aside != NULL && wait_ms > BLOCKS_ASIDE_MS)
		return BLOCKS_ASIDE_MS;
	return wait_ms > 0 ? (int)wait_ms : 0;
}

void
blocks_end(struct blocks *blocks)
{
	look_end(blocks);
	blocklist_free(&blocks->list);
}
