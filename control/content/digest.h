/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* digest is a SHA-1 or SHA-256 that is set up once and used for many messages.
 *
 * Use: digest_create, then any number of digest_begin, digest_add..., digest_end; digest_free.
 * A failure of the library sticks and is told by digest_end. Threads: one at a time.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_DIGEST_H
#define SPILLWAY_CONTROL_CONTENT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum digest_kind {
	DIGEST_SHA1,
	DIGEST_SHA256,
};

enum digest_len {
	DIGEST_SHA1_LEN = 20,
	DIGEST_SHA256_LEN = 32,
};

struct digest;

/* digest_create returns a digest, the caller's, or NULL when memory ran out or the library does
 * not offer the kind. */
struct digest *
digest_create(enum digest_kind kind);

/* digest_free ends a digest; NULL is allowed. */
void
digest_free(struct digest *digest);

/* digest_begin starts a message, dropping one that was not ended. */
void
digest_begin(struct digest *digest);

/* digest_add appends len bytes to the message. */
void
digest_add(struct digest *digest, const void *bytes, size_t len);

/* digest_end stores the hash of the message, DIGEST_..._LEN bytes. Returns 0, or -EIO when the
 * library failed since digest_create; then out is not to be used. */
int
digest_end(struct digest *digest, uint8_t *out);

/* digest_of is digest_begin, digest_add and digest_end of one message. */
int
digest_of(struct digest *digest, const void *bytes, size_t len, uint8_t *out);

#endif
