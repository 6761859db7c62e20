/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metainfo_lab makes folders, files and torrents for the tests of control. Every function asserts
 * that it did what it says. Threads: one. */
#ifndef SPILLWAY_TESTS_UNIT_METAINFO_LAB_H
#define SPILLWAY_TESTS_UNIT_METAINFO_LAB_H

#include "control/content/create.h"
#include "control/content/metainfo.h"

#include <stddef.h>
#include <stdint.h>

/* lab_enter makes a temporary folder and makes it the working directory; a cmocka setup. */
int
lab_enter(void **state);

/* lab_leave removes that folder with all that is in it; a cmocka teardown. */
int
lab_leave(void **state);

/* lab_bytes returns len bytes that depend on seed alone; the caller frees them. */
uint8_t *
lab_bytes(uint32_t seed, size_t len);

/* lab_write writes the file path with lab_bytes(seed, len). */
void
lab_write(const char *path, uint32_t seed, size_t len);

/* lab_create makes the torrent of opt->path, writing t.torrent when opt->out_path is NULL, and
 * returns it loaded. */
struct metainfo *
lab_create(struct create_options opt);

/* lab_parse parses the len bytes of a torrent, which must be accepted. */
struct metainfo *
lab_parse(const void *bytes, size_t len);

/* lab_refuse parses what must be refused with the code, and with a line that holds text. */
void
lab_refuse(const void *bytes, size_t len, int code, const char *text);

#endif
