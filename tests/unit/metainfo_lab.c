/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Temporary folders, content from a seed, and torrents of it. */
#include "tests/unit/metainfo_lab.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char lab_path[] = "/tmp/spillway-lab-XXXXXX";

int
lab_enter(void **state)
{
	(void)state;
	strcpy(lab_path + strlen(lab_path) - 6, "XXXXXX");
	assert_non_null(mkdtemp(lab_path));
	assert_int_equal(chdir(lab_path), 0);
	return 0;
}

static int
entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
lab_leave(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(nftw(lab_path, entry_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	return 0;
}

uint8_t *
lab_bytes(uint32_t seed, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	uint32_t state = seed * 2654435761u + 1;
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < len; i++) {
		state = state * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(state >> 24);
	}
	return bytes;
}

void
lab_write(const char *path, uint32_t seed, size_t len)
{
	uint8_t *bytes = lab_bytes(seed, len);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	free(bytes);
}

struct metainfo *
lab_create(struct create_options opt)
{
	struct metainfo_error err = { "" };
	struct metainfo *meta;

	if (opt.out_path == NULL)
		opt.out_path = "t.torrent";
	if (create_torrent(&opt, NULL, &err) < 0)
		fail_msg("%s", err.text);
	if (metainfo_load(&meta, opt.out_path, &err) < 0)
		fail_msg("%s", err.text);
	return meta;
}

struct metainfo *
lab_parse(const void *bytes, size_t len)
{
	struct metainfo_error err = { "" };
	struct metainfo *meta;

	if (metainfo_parse(&meta, bytes, len, &err) < 0)
		fail_msg("%s", err.text);
	return meta;
}

void
lab_refuse(const void *bytes, size_t len, int code, const char *text)
{
	struct metainfo_error err = { "" };
	struct metainfo *meta;

	assert_int_equal(metainfo_parse(&meta, bytes, len, &err), code);
	assert_null(meta);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", err.text, text);
}
