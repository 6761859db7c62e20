/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Whom the HTTP API serves: hosts, origins, tokens, rates. */
#include "control/api/http_guard.h"

#include "control/api/base64.h"
#include "control/api/http.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

static void
hosts_are_judged(void **state)
{
	static const char *const good[] = {
		"localhost", "LocalHost:9091", "127.0.0.1", "127.0.0.1:80", "127.8.9.1", "[::1]",
		"[::1]:9091", "seeder.example", "SEEDER.example:443", "[fd00::1]:8080",
	};
	static const char *const bad[] = {
		"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "128.0.0.1",
		"10.0.0.1:9091", "[::2]", "::1", "localhost:9091x", "localhost:80:80", "local host",
		"localhost/", "user@localhost", "[::1", "[::1]x", "seeder.example.", "example",
		"localhost,evil", ":9091", "0.0.0.0", "0x7f.1", "2130706433",
	};
	const char *hosts = "seeder.example, [fd00::1]";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!http_host_allowed(good[i], hosts))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_host_allowed(bad[i], hosts))
			fail_msg("%s is allowed", bad[i]);
	assert_false(http_host_allowed(NULL, hosts));
}

static void
origins_are_judged(void **state)
{
	const char *host = "localhost:9091", *origins = "https://panel.example";

	(void)state;
	assert_true(http_origin_allowed(NULL, host, origins));
	assert_true(http_origin_allowed("http://localhost:9091", host, origins));
	assert_true(http_origin_allowed("https://LOCALHOST:9091", host, origins));
	assert_true(http_origin_allowed("https://panel.example", host, origins));
	assert_false(http_origin_allowed("http://localhost:9092", host, origins));
	assert_false(http_origin_allowed("http://localhost", host, origins));
	assert_false(http_origin_allowed("http://panel.example", host, origins));
	assert_false(http_origin_allowed("https://panel.example.evil", host, origins));
	assert_false(http_origin_allowed("null", host, origins));
	assert_false(http_origin_allowed("", host, origins));
	assert_false(http_origin_allowed("file://localhost:9091", host, origins));
	assert_false(http_origin_allowed("http://localhost:9091", NULL, origins));
}

static bool
basic(const char *pair)
{
	char *text = base64_encode((const uint8_t *)pair, strlen(pair)), header[1024];

	snprintf(header, sizeof(header), "Basic %s", text);
	free(text);
	return http_token_matches(header, TOKEN);
}

static void
tokens_are_compared(void **state)
{
	(void)state;
	assert_true(http_token_matches("Bearer " TOKEN, TOKEN));
	assert_true(http_token_matches("bearer " TOKEN, TOKEN));
	assert_true(basic("user:" TOKEN));
	assert_true(basic(":" TOKEN));
	assert_false(basic("user:x" TOKEN));
	assert_false(basic("user:"));
	assert_false(basic(TOKEN));
	assert_false(http_token_matches(NULL, TOKEN));
	assert_false(http_token_matches("", TOKEN));
	assert_false(http_token_matches(TOKEN, TOKEN));
	assert_false(http_token_matches("Bearer " TOKEN "0", TOKEN));
	assert_false(http_token_matches("Bearer 0123456789abcdef0123456789abcde", TOKEN));
	assert_false(http_token_matches("Bearer ", TOKEN));
	assert_false(http_token_matches("Basic !!!!", TOKEN));
	assert_false(http_token_matches("Digest " TOKEN, TOKEN));
}

static void
buckets_fill_again(void **state)
{
	static struct http_buckets buckets = {.rate_per_s = 2, .burst = 3};
	uint8_t key[16] = {1};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(http_buckets_take(&buckets, key, 1000));
	assert_false(http_buckets_take(&buckets, key, 1000));
	assert_false(http_buckets_take(&buckets, key, 1499));
	assert_true(http_buckets_take(&buckets, key, 1500));
	assert_false(http_buckets_take(&buckets, key, 1501));
	for (int i = 0; i < 3; i++)
		assert_true(http_buckets_take(&buckets, key, INT64_MAX / 4));
	assert_false(http_buckets_take(&buckets, key, INT64_MAX / 4));
}

/* The one longest unseen is forgotten, not one that is asking. */
static void
buckets_are_bounded(void **state)
{
	static struct http_buckets buckets = {.rate_per_s = 1, .burst = 1};
	uint8_t busy[16] = {0xff}, key[16] = {0};

	(void)state;
	assert_true(http_buckets_take(&buckets, busy, 0));
	for (int i = 0; i < 900; i++) {
		key[1] = (uint8_t)(i >> 8);
		key[2] = (uint8_t)i;
		assert_true(http_buckets_take(&buckets, key, i));
		assert_false(http_buckets_take(&buckets, busy, i + 1));
	}
}

static void
places_to_listen(void **state)
{
	static const char *const good[] = {"off", "127.0.0.1:9091", "127.1.2.3:1", "[::1]:65535",
	                                   "unix:/run/spillway/api.sock"};
	static const char *const bad[] = {"", "on", "9091", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
	                                  "127.0.0.1:65536", "127.0.0.1:80x", "0.0.0.0:9091",
	                                  "10.0.0.1:9091", "[::]:9091", "::1:9091", "localhost:9091",
	                                  "unix:", "unix:api.sock", "127.0.0.1:+80"};
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(http_listen_check(good[i], &fail), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_listen_check(bad[i], &fail) == 0)
			fail_msg("%s is allowed", bad[i]);
}

static void
lists_of_names(void **state)
{
	struct fail fail;

	(void)state;
	assert_int_equal(http_names_check("", false, &fail), 0);
	assert_int_equal(http_names_check("a.example,b-c.example, [fd00::1]", false, &fail), 0);
	assert_int_equal(http_names_check("a.example:80", false, &fail), -EINVAL);
	assert_int_equal(http_names_check("http://a.example", false, &fail), -EINVAL);
	assert_int_equal(http_names_check("a/b", false, &fail), -EINVAL);
	assert_int_equal(http_names_check("https://a.example,http://b:8080", true, &fail), 0);
	assert_int_equal(http_names_check("a.example", true, &fail), -EINVAL);
	assert_int_equal(http_names_check("https://", true, &fail), -EINVAL);
	assert_int_equal(http_names_check("https://a.example/", true, &fail), -EINVAL);
	assert_int_equal(http_names_check("*", true, &fail), -EINVAL);
}

static void
base64_there_and_back(void **state)
{
	uint8_t bytes[64], *out;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 200);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		char *text = base64_encode(bytes, n);
		assert_int_equal(base64_decode(text, strlen(text), &out, &len), 0);
		assert_int_equal(len, n);
		assert_memory_equal(out, bytes, n);
		free(out);
		text[strcspn(text, "=")] = '\0';
		assert_int_equal(base64_decode(text, strlen(text), &out, &len), 0);
		assert_int_equal(len, n);
		free(out);
		free(text);
	}
	assert_int_equal(base64_decode("YW\nJj\r\n", 7, &out, &len), 0);
	assert_string_equal((char *)out, "abc");
	free(out);
	/* White space anywhere between the digits. */
	char *text = base64_encode(bytes, sizeof(bytes)), spaced[128];
	for (size_t at = 0; at <= strlen(text); at++) {
		snprintf(spaced, sizeof(spaced), "%.*s \r\n%s", (int)at, text, text + at);
		assert_int_equal(base64_decode(spaced, strlen(spaced), &out, &len), 0);
		assert_int_equal(len, sizeof(bytes));
		assert_memory_equal(out, bytes, len);
		free(out);
		spaced[at] = '-';
		assert_int_equal(base64_decode(spaced, strlen(spaced), &out, &len), -EINVAL);
	}
	free(text);
	static const char *const bad[] = {"Y", "YWJjZ", "YWJj=", "Y===", "YW=J", "YW-_", "YWI=x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &out, &len), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_judged),    cmocka_unit_test(origins_are_judged),
		cmocka_unit_test(tokens_are_compared), cmocka_unit_test(buckets_fill_again),
		cmocka_unit_test(buckets_are_bounded), cmocka_unit_test(places_to_listen),
		cmocka_unit_test(lists_of_names),      cmocka_unit_test(base64_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
