/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* flood_options.h: the command line of spillway-flood. */
#ifndef SPILLWAY_PERF_FLOOD_OPTIONS_H
#define SPILLWAY_PERF_FLOOD_OPTIONS_H

#include "perf/flood_packet.h"

#include <stdint.h>

enum flood_kind {
	FLOOD_SYN,      /* from addresses that never answer */
	FLOOD_RST,      /* resets at live connections, sequence numbers guessed */
	FLOOD_SYN_LIVE, /* SYN at live connections */
	FLOOD_ICMP,     /* "fragmentation needed" about live connections, sequence numbers guessed */
	FLOOD_TINY,     /* one byte a segment, on connections of its own */
	FLOOD_OOO,      /* segments behind a hole that is never filled */
	FLOOD_ACK,      /* acknowledges data never sent */
	FLOOD_KIND_CNT
};

struct flood_options {
	enum flood_kind kind;
	uint32_t target_be;
	uint16_t target_port_be;
	const char *ifname;      /* where answers arrive */
	uint32_t source_be;      /* of the first connection of its own */
	uint64_t connection_cnt; /* of its own, at one address each */
	uint64_t rate_pps;       /* 0: as fast as it can */
	uint64_t seconds;        /* 0: until a signal */
	uint64_t seed;
	uint32_t hello_bytes; /* sent first on each connection of its own */
	uint8_t hello[FLOOD_PAYLOAD_BYTES_MAX];
};

/* flood_options_read reads the command line into options.
 *
 * Returns 1 to go on, 0 after --help, -1 after a line on stderr that says what is wrong. */
int
flood_options_read(struct flood_options *options, int argc, char **argv);

/* flood_options_kind_name is the word for a kind. */
const char *
flood_options_kind_name(enum flood_kind kind);

#endif
