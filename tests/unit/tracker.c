/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Trackers' URLs, what is asked of them, and what they answer. */
#include "control/announce/tracker.h"

#include "control/announce/tracker_http_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t hashes[2][20] = {"abcdefghij\x00\xff 5678901", "ABCDEFGHIJKLMNOPQRST"};

/* ---- URLs. */

static void
url_is(const char *url, enum tracker_scheme scheme, const char *host, uint16_t port)
{
	struct tracker_place place;

	assert_int_equal(tracker_url_parse(&place, url), 0);
	assert_int_equal(place.scheme, scheme);
	assert_string_equal(place.host, host);
	assert_int_equal(place.port, port);
}

static void
urls_are_taken_apart(void **state)
{
	struct tracker_place place;

	(void)state;
	url_is("http://Tracker.Example/announce", TRACKER_HTTP, "tracker.example", 80);
	url_is("HTTPS://a:8443?x=1", TRACKER_HTTPS, "a", 8443);
	url_is("http://user:pa@ss@host:1/", TRACKER_HTTP, "host", 1);
	url_is("http://[::1]:6969/announce", TRACKER_HTTP, "::1", 6969);
	url_is("http://[2001:DB8::1]", TRACKER_HTTP, "2001:db8::1", 80);
	url_is("udp://1.2.3.4:6969", TRACKER_UDP, "1.2.3.4", 6969);
	url_is("http://a:/x", TRACKER_HTTP, "a", 80);
	assert_int_equal(tracker_url_parse(&place, "udp://a:1/p?q#f"), 0);
	assert_string_equal(place.rest, "/p?q#f");
}

static void
what_is_no_url_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "http:/a", "//a", "udp://a/announce", "udp://a:0", "http://a:65536/", "http://a:+1/",
		"http://", "http://:80/", "http:///announce", "http://[::1/announce", "http://[]/",
		"http://a b/", "http://a:80:80/", "http://a\\b/",
	};
	struct tracker_place place;
	char longer[TRACKER_URL_MAX + 16] = "http://a/";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tracker_url_parse(&place, bad[i]), -EINVAL);
	assert_int_equal(tracker_url_parse(&place, "wss://a:1/"), -EPROTONOSUPPORT);
	memset(longer + 9, 'x', TRACKER_URL_MAX);
	assert_int_equal(tracker_url_parse(&place, longer), -EINVAL);
}

static void
scrape_is_beside_announce(void **state)
{
	char out[TRACKER_URL_MAX + 1];

	(void)state;
	assert_int_equal(tracker_url_scrape("http://a/x/announce.php?pass=announce", out), 0);
	assert_string_equal(out, "http://a/x/scrape.php?pass=announce");
	assert_int_equal(tracker_url_scrape("http://a/announce/x", out), -ENOENT);
	assert_int_equal(tracker_url_scrape("http://a/a?b/announce", out), -ENOENT);
	assert_int_equal(tracker_url_scrape("http://announce", out), -ENOENT);
}

/* ---- What is asked. */

static void
an_announce_says_all(void **state)
{
	struct tracker_self self = {
		.peer_id = "-SW0100-123456789012",
		.key = 0xbeef,
		.port = 6881,
		.ip_be = htonl(0x0a010203),
	};
	struct tracker_ask ask = {
		.url = "http://a/announce?pass=1#part",
		.hash_cnt = 1,
		.hash = hashes,
		.event = TRACKER_EVENT_STARTED,
		.uploaded_bytes = UINT64_MAX,
		.left_bytes = 7,
		.tracker_id = "a&b",
	};

	(void)state;
	inet_pton(AF_INET6, "2001:db8::1", &self.ip6);
	char *url = tracker_http_url(&ask, &self);
	assert_string_equal(url, "http://a/announce?pass=1&info_hash=abcdefghij%00%FF%205678901"
	                         "&peer_id=-SW0100-123456789012&port=6881"
	                         "&uploaded=18446744073709551615&downloaded=0&left=7&compact=1"
	                         "&no_peer_id=1&numwant=0&key=0000BEEF&event=started"
	                         "&trackerid=a%26b&ip=10.1.2.3&ipv6=2001%3Adb8%3A%3A1");
	free(url);
	ask.is_scrape = true;
	ask.hash_cnt = 2;
	url = tracker_http_url(&ask, &self);
	assert_string_equal(url, "http://a/scrape?pass=1&info_hash=abcdefghij%00%FF%205678901"
	                         "&info_hash=ABCDEFGHIJKLMNOPQRST");
	free(url);
}

/* ---- What is answered. */

static struct tracker_result
answered(const char *text)
{
	struct tracker_result result;

	tracker_result_begin(&result, 7);
	tracker_reply_http(&result, text, strlen(text));
	assert_int_equal(result.cookie, 7);
	return result;
}

static void
good_answers_are_read(void **state)
{
	struct tracker_result result = answered(
		"d8:completei3e10:downloadedi9e10:incompletei4e8:intervali1800e12:min intervali60e"
		"5:peers0:10:tracker id2:ID15:warning message4:soone\r\n");

	(void)state;
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.interval_s, 1800);
	assert_int_equal(result.interval_min_s, 60);
	assert_int_equal(result.counts.seeders, 3);
	assert_int_equal(result.counts.leechers, 4);
	assert_int_equal(result.counts.downloaded, 9);
	assert_string_equal(result.tracker_id, "ID");
	assert_string_equal(result.text, "soon");
}

static void
lies_are_bounded(void **state)
{
	struct tracker_result result =
		answered("d8:completei-3e10:incompletei9223372036854775807e8:intervali-1ee");

	(void)state;
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.interval_s, 0);
	assert_int_equal(result.counts.seeders, TRACKER_UNKNOWN);
	assert_int_equal(result.counts.leechers, TRACKER_UNKNOWN - 1);
	assert_int_equal(answered("d8:intervali9223372036854775808ee").outcome, TRACKER_BAD);
	assert_int_equal(answered("").outcome, TRACKER_BAD);
	assert_int_equal(answered("de").outcome, TRACKER_BAD);
	assert_int_equal(answered("le").outcome, TRACKER_BAD);
	assert_int_equal(answered("d8:intervali9e5:peers0:").outcome, TRACKER_BAD);
}

static void
refusals_are_read(void **state)
{
	struct tracker_result result = answered("d14:failure reason5:a\nb\xff" "c8:retry in2:10e");

	(void)state;
	assert_int_equal(result.outcome, TRACKER_REFUSED);
	assert_string_equal(result.text, "a?b?c");
	assert_int_equal(result.retry_s, 600);
	assert_int_equal(answered("d14:failure reason1:x8:retry in5:nevere").retry_s, TRACKER_UNKNOWN);
	assert_int_equal(answered("d14:failure reason1:x8:retry ini5ee").retry_s, 300);
	assert_int_equal(answered("d14:failure reason1:x8:retry in2:-1e").retry_s, 0);
	assert_string_equal(answered("d14:failure reason0:e").text, "refused, without a reason");
}

static void
scrapes_are_read(void **state)
{
	static const char text[] = "d5:filesd20:abcdefghij\x00\xff 5678901d8:completei1ee"
	                           "3:abcd8:completei9ee20:ABCDEFGHIJKLMNOPQRST"
	                           "d8:completei2e10:downloadedi5e10:incompletei3eeee";
	struct tracker_result result;

	(void)state;
	tracker_result_begin(&result, 0);
	result.hash_cnt = 2;
	memcpy(result.hash, hashes, sizeof(hashes));
	tracker_reply_scrape(&result, text, sizeof(text) - 1);
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.scraped[0].seeders, 1);
	assert_int_equal(result.scraped[0].leechers, TRACKER_UNKNOWN);
	assert_int_equal(result.scraped[1].seeders, 2);
	assert_int_equal(result.scraped[1].downloaded, 5);
	assert_int_equal(result.scraped[1].leechers, 3);
	tracker_result_begin(&result, 0);
	tracker_reply_scrape(&result, "de", 2);
	assert_int_equal(result.outcome, TRACKER_BAD);
}

static void
datagrams_are_read(void **state)
{
	static const uint8_t announce[] = {0, 0, 0, 1, 1, 2, 3, 4, 0, 0, 7, 8, 0, 0, 0, 3, 0, 0, 0, 5};
	static const uint8_t connect[] = {0, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t error[] = {0, 0, 0, 3, 1, 2, 3, 4, 'n', 'o', 0, 'x'};
	struct tracker_result result;
	uint32_t transaction;

	(void)state;
	assert_true(tracker_reply_transaction(announce, sizeof(announce), &transaction));
	assert_int_equal(transaction, 0x01020304);
	assert_false(tracker_reply_transaction(announce, 7, &transaction));
	tracker_result_begin(&result, 0);
	tracker_reply_udp(&result, announce, sizeof(announce), false);
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.interval_s, 0x0708);
	assert_int_equal(result.counts.leechers, 3);
	assert_int_equal(result.counts.seeders, 5);
	tracker_reply_udp(&result, announce, sizeof(announce) - 1, false);
	assert_int_equal(result.outcome, TRACKER_BAD);
	tracker_result_begin(&result, 0);
	tracker_reply_connect(&result, connect, sizeof(connect));
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.connection, 0x0102030405060708);
	tracker_reply_udp(&result, connect, sizeof(connect), false);
	assert_int_equal(result.outcome, TRACKER_BAD);
	tracker_reply_udp(&result, error, sizeof(error), false);
	assert_int_equal(result.outcome, TRACKER_REFUSED);
	assert_string_equal(result.text, "no");
}

static void
scraped_datagrams_may_be_short(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9};
	struct tracker_result result;

	(void)state;
	tracker_result_begin(&result, 0);
	result.hash_cnt = 2;
	tracker_reply_udp(&result, bytes, sizeof(bytes), true);
	assert_int_equal(result.outcome, TRACKER_OK);
	assert_int_equal(result.scraped[0].seeders, 1);
	assert_int_equal(result.scraped[0].downloaded, 2);
	assert_int_equal(result.scraped[0].leechers, 3);
	assert_int_equal(result.scraped[1].seeders, TRACKER_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(what_is_no_url_is_refused),
		cmocka_unit_test(scrape_is_beside_announce),
		cmocka_unit_test(an_announce_says_all),
		cmocka_unit_test(good_answers_are_read),
		cmocka_unit_test(lies_are_bounded),
		cmocka_unit_test(refusals_are_read),
		cmocka_unit_test(scrapes_are_read),
		cmocka_unit_test(datagrams_are_read),
		cmocka_unit_test(scraped_datagrams_may_be_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
