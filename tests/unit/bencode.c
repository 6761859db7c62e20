/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* bencode: what is accepted and how its nodes lie, what is refused and why, limits, encoder. */
#include "control/content/bencode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
decode_ok(struct bencode *doc, const char *text)
{
	const char *why = "";

	if (bencode_decode(doc, text, strlen(text), &why, NULL) < 0)
		fail_msg("%s: %s", text, why);
}

static void
integers(void **state)
{
	static const struct {
		const char *text;
		int64_t num;
	} row[] = {
		{ "i0e", 0 }, { "i7e", 7 }, { "i-1e", -1 }, { "i10e", 10 },
		{ "i9223372036854775807e", INT64_MAX }, { "i-9223372036854775808e", INT64_MIN },
	};
	struct bencode doc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		decode_ok(&doc, row[i].text);
		assert_int_equal(doc.node_cnt, 1);
		assert_int_equal(doc.node[0].type, BENCODE_INT);
		assert_true(doc.node[0].num == row[i].num);
		assert_int_equal(doc.node[0].end, strlen(row[i].text));
		bencode_free(&doc);
	}
}

static void
refusals(void **state)
{
	static const struct {
		const char *text;
		const char *why;
		size_t off;
	} row[] = {
		{ "", "ends too early", 0 },
		{ "i", "number without digits", 1 },
		{ "ie", "number without digits", 1 },
		{ "i-e", "number without digits", 2 },
		{ "i01e", "number with a leading zero", 3 },
		{ "i-0e", "minus zero", 3 },
		{ "i-01e", "number with a leading zero", 4 },
		{ "i1", "integer without its end", 2 },
		{ "i1 e", "integer without its end", 2 },
		{ "i+1e", "number without digits", 1 },
		{ "i9223372036854775808e", "number out of range", 19 },
		{ "i-9223372036854775809e", "number out of range", 20 },
		{ "i99999999999999999999999e", "number out of range", 19 },
		{ "3:ab", "string beyond the end", 2 },
		{ "03:abc", "number with a leading zero", 2 },
		{ "3abc", "string length without a colon", 1 },
		{ "3", "string length without a colon", 1 },
		{ "4294967295:a", "string beyond the end", 11 },
		{ "4294967296:a", "number out of range", 9 },
		{ "-1:a", "byte that begins no value", 0 },
		{ "x", "byte that begins no value", 0 },
		{ "e", "byte that begins no value", 0 },
		{ "l", "ends too early", 1 },
		{ "li1e", "ends too early", 4 },
		{ "d1:ae", "key without a value", 4 },
		{ "di1ei2ee", "key that is no string", 1 },
		{ "dli1eei2ee", "key that is no string", 1 },
		{ "d1:ai1e1:ai2ee", "key twice in a dictionary", 10 },
		{ "d1:bi1e1:ai2e1:bi3ee", "key twice in a dictionary", 20 },
		{ "i1ei2e", "bytes after the end", 3 },
		{ "le\n", "bytes after the end", 2 },
	};
	struct bencode doc;
	size_t i, off;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *why = "";

		assert_int_equal(
			bencode_decode(&doc, row[i].text, strlen(row[i].text), &why, &off),
			-EINVAL);
		assert_string_equal(why, row[i].why);
		assert_int_equal(off, row[i].off);
		assert_null(doc.node);
	}
}

static void
every_prefix_is_refused(void **state)
{
	static const char text[] = "d1:ad1:bli1e3:xyzee1:cde1:dle1:ei-5ee";
	struct bencode doc;
	size_t len;

	(void)state;
	for (len = 0; len < strlen(text); len++)
		assert_int_equal(bencode_decode(&doc, text, len, NULL, NULL), -EINVAL);
	decode_ok(&doc, text);
	bencode_free(&doc);
}

static void
nodes_and_spans(void **state)
{
	static const char text[] = "d4:listli1ei2ee4:name3:abce";
	struct bencode doc;
	uint32_t node, len;

	(void)state;
	decode_ok(&doc, text);
	assert_int_equal(doc.node_cnt, 7);
	assert_int_equal(doc.node[0].cnt, 2);
	assert_int_equal(doc.node[0].unsorted, 0);
	node = bencode_get(&doc, 0, "list");
	assert_int_equal(node, 2);
	assert_int_equal(doc.node[node].cnt, 2);
	assert_int_equal(doc.node[node].next, 5);
	assert_memory_equal(bencode_raw(&doc, node, &len), "li1ei2ee", 8);
	assert_int_equal(len, 8);
	node = bencode_get_type(&doc, 0, "name", BENCODE_STR);
	assert_true(bencode_str_is(&doc, node, "abc"));
	assert_false(bencode_str_is(&doc, node, "ab"));
	assert_false(bencode_str_is(&doc, node, "abcd"));
	assert_int_equal(bencode_get_type(&doc, 0, "name", BENCODE_INT), BENCODE_NONE);
	assert_int_equal(bencode_get(&doc, 0, "nam"), BENCODE_NONE);
	assert_int_equal(bencode_get(&doc, 2, "name"), BENCODE_NONE);
	assert_int_equal(bencode_get(&doc, BENCODE_NONE, "name"), BENCODE_NONE);
	bencode_free(&doc);
}

static void
unsorted_keys_are_told(void **state)
{
	struct bencode doc;

	(void)state;
	decode_ok(&doc, "d1:b0:1:a0:2:aa0:e");
	assert_int_equal(doc.node[0].unsorted, 1);
	assert_int_not_equal(bencode_get(&doc, 0, "a"), BENCODE_NONE);
	bencode_free(&doc);
	decode_ok(&doc, "d1:a0:2:aa0:1:b0:e");
	assert_int_equal(doc.node[0].unsorted, 0);
	bencode_free(&doc);
}

static void
depth_limit(void **state)
{
	char text[2 * (BENCODE_DEPTH_MAX + 1)];
	struct bencode doc;
	int depth;

	(void)state;
	for (depth = BENCODE_DEPTH_MAX; depth <= BENCODE_DEPTH_MAX + 1; depth++) {
		memset(text, 'l', (size_t)depth);
		memset(text + depth, 'e', (size_t)depth);
		assert_int_equal(bencode_decode(&doc, text, 2 * (size_t)depth, NULL, NULL),
				 depth > BENCODE_DEPTH_MAX ? -EFBIG : 0);
		bencode_free(&doc);
	}
}

static void
node_limit(void **state)
{
	size_t cnt = BENCODE_NODES_MAX, len = 2 * (cnt - 1) + 2, i;
	char *text = malloc(len + 2);
	struct bencode doc;

	(void)state;
	assert_non_null(text);
	text[0] = 'l';
	for (i = 0; i < cnt; i++)
		memcpy(text + 1 + 2 * i, "0:", 2);
	text[len - 1] = 'e';
	assert_int_equal(bencode_decode(&doc, text, len, NULL, NULL), 0);
	assert_int_equal(doc.node_cnt, cnt);
	bencode_free(&doc);
	memcpy(text + len - 1, "0:e", 3);
	assert_int_equal(bencode_decode(&doc, text, len + 2, NULL, NULL), -EFBIG);
	free(text);
}

static void
length_limit(void **state)
{
	struct bencode doc;
	const char *why = "";

	(void)state;
	assert_int_equal(bencode_decode(&doc, "i1e", (size_t)BENCODE_LEN_MAX + 1, &why, NULL),
			 -EFBIG);
	assert_string_equal(why, "too long");
}

static void
encoder(void **state)
{
	static const char want[] =
		"d1:ai-9223372036854775808e1:bli0ei42ee4:text5:hello3:x\0y0:e";
	struct bencode_out out = { 0 };
	struct bencode doc;

	(void)state;
	bencode_put_dict(&out);
	bencode_put_text(&out, "a");
	bencode_put_int(&out, INT64_MIN);
	bencode_put_text(&out, "b");
	bencode_put_list(&out);
	bencode_put_int(&out, 0);
	bencode_put_raw(&out, "i42e", 4);
	bencode_put_end(&out);
	bencode_put_text(&out, "text");
	bencode_put_text(&out, "hello");
	bencode_put_str(&out, "x\0y", 3);
	bencode_put_str(&out, NULL, 0);
	bencode_put_end(&out);
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(want) - 1);
	assert_memory_equal(out.bytes, want, out.len);
	assert_int_equal(bencode_decode(&doc, out.bytes, out.len, NULL, NULL), 0);
	bencode_free(&doc);
	bencode_out_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(refusals),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(nodes_and_spans),
		cmocka_unit_test(unsorted_keys_are_told),
		cmocka_unit_test(depth_limit),
		cmocka_unit_test(node_limit),
		cmocka_unit_test(length_limit),
		cmocka_unit_test(encoder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
