/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* OpenSSL's EVP behind five calls: the algorithm is fetched once, the context is kept. */
#include "control/content/digest.h"

#include <openssl/evp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	bool failed;
};

struct digest *
digest_create(enum digest_kind kind)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (digest == NULL)
		return NULL;
	digest->md = EVP_MD_fetch(NULL, kind == DIGEST_SHA1 ? "SHA1" : "SHA256", NULL);
	digest->ctx = EVP_MD_CTX_new();
	if (digest->md == NULL || digest->ctx == NULL) {
		digest_free(digest);
		return NULL;
	}
	return digest;
}

void
digest_free(struct digest *digest)
{
	if (digest == NULL)
		return;
	EVP_MD_CTX_free(digest->ctx);
	EVP_MD_free(digest->md);
	free(digest);
}

void
digest_begin(struct digest *digest)
{
	if (EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) != 1)
		digest->failed = true;
}

void
digest_add(struct digest *digest, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(digest->ctx, bytes, len) != 1)
		digest->failed = true;
}

int
digest_end(struct digest *digest, uint8_t *out)
{
	if (EVP_DigestFinal_ex(digest->ctx, out, NULL) != 1)
		digest->failed = true;
	return digest->failed ? -EIO : 0;
}

int
digest_of(struct digest *digest, const void *bytes, size_t len, uint8_t *out)
{
	digest_begin(digest);
	digest_add(digest, bytes, len);
	return digest_end(digest, out);
}
