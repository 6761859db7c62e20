/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* bdecode.h reads bencoded bytes (BEP 3) from a peer: strict, bounded, in place.
 *
 * A cursor moves over the bytes. Integers have one spelling (no leading zero, no -0) and fit
 * int64_t; a string's length fits the bytes left; nesting is at most WIRE_BENCODE_DEPTH_MAX. Keys
 * of a dictionary need not be sorted: not every client sorts them.
 * Each function returns false, and the cursor is then of no more use, when the next bytes are not
 * what it reads. */
#ifndef SPILLWAY_DATAPLANE_WIRE_BDECODE_H
#define SPILLWAY_DATAPLANE_WIRE_BDECODE_H

#include "dataplane/base/common.h"

struct bcursor {
	const uint8_t *at;
	const uint8_t *end;
};

struct bstring {
	const uint8_t *data; /* into the message */
	uint32_t len;
};

/* bdecode_int reads an integer. */
bool
bdecode_int(struct bcursor *cursor, int64_t *value);

/* bdecode_string reads a string. */
bool
bdecode_string(struct bcursor *cursor, struct bstring *string);

/* bdecode_skip passes one value of any type. */
bool
bdecode_skip(struct bcursor *cursor);

/* bdecode_take passes one byte if it is the next: 'd', 'l' or 'e'. */
bool
bdecode_take(struct bcursor *cursor, uint8_t byte);

/* bstring_is tells whether a string has a text's bytes. */
bool
bstring_is(const struct bstring *string, const char *text);

#endif
