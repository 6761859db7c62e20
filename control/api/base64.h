/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* base64.h is RFC 4648, section 4, as JSON and HTTP carry it. */
#ifndef SPILLWAY_CONTROL_API_BASE64_H
#define SPILLWAY_CONTROL_API_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* base64_decode decodes text, whose padding may be left out; white space is skipped.
 *
 * out  to be freed; one byte longer than out_len says, and that byte is 0.
 * Returns 0, -EINVAL when text is not base64, or -ENOMEM; *out is NULL then. */
int
base64_decode(const char *text, size_t len, uint8_t **out, size_t *out_len);

/* base64_encode returns the text of bytes, to be freed, or NULL when out of memory. */
char *
base64_encode(const uint8_t *bytes, size_t len);

#endif
