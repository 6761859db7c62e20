/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Whom to serve. */
#include "control/api/http_guard.h"

#include "control/api/base64.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Names. */

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-._", c) != NULL;
}

/* host_split takes the port off "name", "name:port", "[address]" or "[address]:port".
 * Returns false when text is none of them. */
static bool
host_split(const char *text, size_t len, char name[HTTP_NAME_MAX])
{
	bool bracket = len > 0 && text[0] == '[';
	const char *end = memchr(text, bracket ? ']' : ':', len);
	size_t begin = bracket ? 1 : 0;
	size_t name_len = (end != NULL ? (size_t)(end - text) : len) - begin;
	size_t rest = end != NULL ? (size_t)(end - text) + (bracket ? 1 : 0) : len;

	if ((bracket && end == NULL) || name_len == 0 || name_len >= HTTP_NAME_MAX)
		return false;
	for (size_t i = 0; i < name_len; i++)
		if (!is_name_byte(text[begin + i]) && !(bracket && text[begin + i] == ':'))
			return false;
	if (rest < len && text[rest] != ':')
		return false;
	for (size_t i = rest + 1; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	memcpy(name, text + begin, name_len);
	name[name_len] = '\0';
	return true;
}

/* list_next steps through a list. Returns the length of the item at *item, -1 after the last. */
static int
list_next(const char **item, const char **rest)
{
	while (**rest == ',' || **rest == ' ')
		(*rest)++;
	if (**rest == '\0')
		return -1;
	*item = *rest;
	*rest += strcspn(*rest, ", ");
	return (int)(*rest - *item);
}

static bool
list_has(const char *list, const char *text)
{
	const char *item;
	int len;

	while ((len = list_next(&item, &list)) >= 0)
		if ((size_t)len == strlen(text) && strncasecmp(item, text, (size_t)len) == 0)
			return true;
	return false;
}

/* scheme_len returns the length of "http://" or "https://" at the beginning of text, else 0. */
static size_t
scheme_len(const char *text)
{
	if (strncasecmp(text, "http://", 7) == 0)
		return 7;
	return strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
}

int
http_names_check(const char *list, bool origin, struct fail *fail)
{
	char name[HTTP_NAME_MAX];
	const char *item;
	int len;

	while ((len = list_next(&item, &list)) >= 0) {
		size_t scheme = origin ? scheme_len(item) : 0;
		bool good = (!origin || scheme > 0) && (size_t)len > scheme &&
		            host_split(item + scheme, (size_t)len - scheme, name);
		if (good && !origin && strlen(name) != (size_t)len && item[0] != '[')
			good = false; /* a port */
		if (!good)
			return fail_set(fail, EINVAL, "\"%.*s\" is not %s", len > 200 ? 200 : len, item,
			                origin ? "http://NAME[:PORT] or https://NAME[:PORT]"
			                       : "a host name or address without port");
	}
	return 0;
}

static bool
is_loopback(const char *name)
{
	struct in6_addr in6;
	struct in_addr in;

	if (strcasecmp(name, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, name, &in) == 1)
		return ntohl(in.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, name, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

bool
http_host_allowed(const char *host, const char *hosts)
{
	char name[HTTP_NAME_MAX], bracketed[HTTP_NAME_MAX + 2];

	if (host == NULL || !host_split(host, strlen(host), name))
		return false;
	snprintf(bracketed, sizeof(bracketed), "[%s]", name);
	return is_loopback(name) || list_has(hosts, name) || list_has(hosts, bracketed);
}

bool
http_origin_allowed(const char *origin, const char *host, const char *origins)
{
	if (origin == NULL)
		return true;
	size_t scheme = scheme_len(origin);
	if (scheme == 0) /* also "null": some page, but it does not say which */
		return false;
	return (host != NULL && strcasecmp(origin + scheme, host) == 0) || list_has(origins, origin);
}

/* ---- The token. */

static bool
secret_equal(const char *given, size_t given_len, const char *token)
{
	uint8_t a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)given, given_len, a);
	SHA256((const unsigned char *)token, strlen(token), b);
	return CRYPTO_memcmp(a, b, sizeof(a)) == 0;
}

static bool
basic_matches(const char *text, const char *token)
{
	uint8_t *pair;
	size_t len;

	if (strlen(text) > 2 * HTTP_TOKEN_LEN_MAX + 512 ||
	    base64_decode(text, strlen(text), &pair, &len) != 0)
		return false;
	const uint8_t *colon = memchr(pair, ':', len);
	bool matches = colon != NULL && secret_equal((const char *)colon + 1,
	                                             len - (size_t)(colon + 1 - pair), token);
	free(pair);
	return matches;
}

bool
http_token_matches(const char *authorization, const char *token)
{
	if (authorization == NULL)
		return false;
	if (strncasecmp(authorization, "Bearer ", 7) == 0)
		return secret_equal(authorization + 7, strlen(authorization + 7), token);
	if (strncasecmp(authorization, "Basic ", 6) == 0)
		return basic_matches(authorization + 6, token);
	return false;
}

/* ---- Rates. */

bool
http_buckets_take(struct http_buckets *buckets, const uint8_t key[16], int64_t now_ms)
{
	int oldest = 0, i;

	for (i = 0; i < HTTP_BUCKETS_MAX; i++) {
		if (!buckets->bucket[i].used || memcmp(buckets->bucket[i].key, key, 16) == 0)
			break;
		if (buckets->bucket[i].seen_ms < buckets->bucket[oldest].seen_ms)
			oldest = i;
	}
	if (i == HTTP_BUCKETS_MAX)
		buckets->bucket[i = oldest].used = false;
	int64_t full = (int64_t)buckets->burst * 1000;
	if (!buckets->bucket[i].used) {
		memcpy(buckets->bucket[i].key, key, 16);
		buckets->bucket[i].used = true;
		buckets->bucket[i].level_milli = full;
		buckets->bucket[i].seen_ms = now_ms;
	}
	int64_t since_ms = now_ms - buckets->bucket[i].seen_ms;
	int64_t level = buckets->bucket[i].level_milli + since_ms * buckets->rate_per_s;
	if (since_ms > 1000000 || level > full)
		level = full;
	buckets->bucket[i].seen_ms = now_ms;
	buckets->bucket[i].level_milli = level >= 1000 ? level - 1000 : level;
	return level >= 1000;
}
