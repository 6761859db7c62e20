/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leaves.h hashes the leaves of BEP 52, blocks of 16 KiB each with a SHA-256 of its own, many at
 * once where the machine can: with AVX-512 a multi-buffer library (intel-ipsec-mb, where the build
 * found it) takes sixteen of them in step, at twice the speed of the SHA instructions of one.
 * Elsewhere it is OpenSSL, one after the other. The pieces of v1 gain nothing: that library takes
 * no message of 64 KiB or more.
 *
 * Threads: one at a time.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_LEAVES_H
#define SPILLWAY_CONTROL_CONTENT_LEAVES_H

#include "control/content/merkle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leaves;

/* leaves_create returns NULL when memory ran out. */
struct leaves *
leaves_create(void);

/* leaves_destroy frees leaves; NULL is allowed. */
void
leaves_destroy(struct leaves *leaves);

/* leaves_hash stores the hash of each 16 KiB of bytes, the last of which may be shorter.
 *
 * len   > 0.
 * hash  out: ceil(len / MERKLE_BLOCK_LEN) times MERKLE_HASH_LEN bytes.
 * Returns 0, or -EIO when the library failed. */
int
leaves_hash(struct leaves *leaves, const uint8_t *bytes, size_t len, uint8_t *hash);

/* leaves_sha256 returns a digest for the nodes above. */
struct digest *
leaves_sha256(struct leaves *leaves);

/* leaves_are_parallel is true when many are hashed at once. */
bool
leaves_are_parallel(const struct leaves *leaves);

#endif
