/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_lab.h is a bench for the load generator's connections: one connection in a context, whose
 * carrier is the test.
 */
#ifndef SPILLWAY_TESTS_UNIT_LEECH_LAB_H
#define SPILLWAY_TESTS_UNIT_LEECH_LAB_H

#include "perf/leech_conn.h"

struct leech_lab {
	struct leech_options options;
	struct leech_assembly_pool pool;
	struct leech_tally tally;
	struct leech_due due;
	struct leech_context context;
	struct leech_conn conn;
};

/* leech_lab_new makes a bench for a torrent: one connection, 8 requests of 16 KiB, nothing
 * verified; it is connecting. leech_lab_free ends it. */
struct leech_lab *
leech_lab_new(const struct leech_torrent *torrent, const struct leech_language *language);
void
leech_lab_free(struct leech_lab *lab);

/* leech_lab_feed hands bytes over as a carrier would, step bytes at most at a time. Returns 0, or
 * -1 when the connection was to be closed. */
int
leech_lab_feed(struct leech_lab *lab, const void *bytes, uint32_t len, uint32_t step);

#endif
