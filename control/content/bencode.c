/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The strict decoder is a loop over an explicit stack of open containers; the encoder appends to
 * one buffer. What the values mean is not known here. */
#include "control/content/bencode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A container that is open: its node, and for a dictionary the key before. */
struct open_container {
	uint32_t node;
	uint32_t key_prev; /* BENCODE_NONE before the first key */
	bool key_next;     /* a dictionary expects a key or its end */
};

struct decoder {
	struct bencode *doc;
	uint32_t pos;
	uint32_t depth;
	const char *why;
	struct open_container open[BENCODE_DEPTH_MAX];
};

static int
refuse(struct decoder *dec, int code, const char *why)
{
	dec->why = why;
	return code;
}

static int
node_compare(const struct bencode *doc, uint32_t a, uint32_t b)
{
	const struct bencode_node *x = &doc->node[a], *y = &doc->node[b];
	uint32_t cnt = x->cnt < y->cnt ? x->cnt : y->cnt;
	int order = memcmp(doc->bytes + x->str_off, doc->bytes + y->str_off, cnt);

	if (order != 0)
		return order;
	return (x->cnt > y->cnt) - (x->cnt < y->cnt);
}

static int
node_grow(struct bencode *doc)
{
	uint32_t cap = doc->node_cap ? doc->node_cap * 2 : 64;
	struct bencode_node *grown;

	if (cap > BENCODE_NODES_MAX)
		cap = BENCODE_NODES_MAX;
	grown = realloc(doc->node, cap * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	doc->node = grown;
	doc->node_cap = cap;
	return 0;
}

/* Appends a node that begins at the current position. */
static int
node_add(struct decoder *dec, enum bencode_type type, uint32_t *index)
{
	struct bencode *doc = dec->doc;

	if (doc->node_cnt == BENCODE_NODES_MAX)
		return refuse(dec, -EFBIG, "too many values");
	if (doc->node_cnt == doc->node_cap && node_grow(doc) < 0)
		return refuse(dec, -ENOMEM, "out of memory");
	*index = doc->node_cnt++;
	doc->node[*index] = (struct bencode_node){
		.type = (uint8_t)type, .off = dec->pos, .end = dec->pos, .next = *index + 1,
	};
	return 0;
}

static bool
is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Reads decimal digits up to max; BEP 3 allows no leading zero. */
static int
digits_read(struct decoder *dec, uint64_t max, uint64_t *num)
{
	const struct bencode *doc = dec->doc;
	uint32_t first = dec->pos;

	*num = 0;
	while (dec->pos < doc->len && is_digit(doc->bytes[dec->pos])) {
		uint64_t digit = doc->bytes[dec->pos] - '0';

		if (*num > (max - digit) / 10)
			return refuse(dec, -EINVAL, "number out of range");
		*num = *num * 10 + digit;
		dec->pos++;
	}
	if (dec->pos == first)
		return refuse(dec, -EINVAL, "number without digits");
	if (doc->bytes[first] == '0' && dec->pos - first > 1)
		return refuse(dec, -EINVAL, "number with a leading zero");
	return 0;
}

static int
byte_expect(struct decoder *dec, uint8_t byte, const char *why)
{
	if (dec->pos >= dec->doc->len || dec->doc->bytes[dec->pos] != byte)
		return refuse(dec, -EINVAL, why);
	dec->pos++;
	return 0;
}

static int
int_read(struct decoder *dec, uint32_t index)
{
	struct bencode_node *node = &dec->doc->node[index];
	bool minus = false;
	uint64_t num;
	int err;

	dec->pos++;
	if (dec->pos < dec->doc->len && dec->doc->bytes[dec->pos] == '-') {
		minus = true;
		dec->pos++;
	}
	err = digits_read(dec, (uint64_t)INT64_MAX + minus, &num);
	if (err < 0)
		return err;
	if (minus && num == 0)
		return refuse(dec, -EINVAL, "minus zero");
	node->num = minus ? -(int64_t)(num - 1) - 1 : (int64_t)num;
	return byte_expect(dec, 'e', "integer without its end");
}

static int
str_read(struct decoder *dec, uint32_t index)
{
	struct bencode_node *node = &dec->doc->node[index];
	uint64_t cnt;
	int err;

	err = digits_read(dec, UINT32_MAX, &cnt);
	if (err < 0)
		return err;
	err = byte_expect(dec, ':', "string length without a colon");
	if (err < 0)
		return err;
	if (cnt > dec->doc->len - dec->pos)
		return refuse(dec, -EINVAL, "string beyond the end");
	node->str_off = dec->pos;
	node->cnt = (uint32_t)cnt;
	dec->pos += (uint32_t)cnt;
	return 0;
}

static int
container_open(struct decoder *dec, uint32_t index)
{
	if (dec->depth == BENCODE_DEPTH_MAX)
		return refuse(dec, -EFBIG, "nested too deep");
	dec->open[dec->depth++] = (struct open_container){
		.node = index,
		.key_prev = BENCODE_NONE,
		.key_next = dec->doc->node[index].type == BENCODE_DICT,
	};
	dec->pos++;
	return 0;
}

static int
key_compare(const void *a, const void *b, void *doc)
{
	return node_compare(doc, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Looks for a key that stands twice in a dictionary whose keys are not in order. */
static int
unsorted_check(struct decoder *dec, uint32_t dict)
{
	struct bencode *doc = dec->doc;
	uint32_t cnt = doc->node[dict].cnt, i, index = dict + 1;
	uint32_t *key = malloc(cnt * sizeof(*key));
	int err = 0;

	if (key == NULL)
		return refuse(dec, -ENOMEM, "out of memory");
	for (i = 0; i < cnt; i++) {
		key[i] = index;
		index = doc->node[index + 1].next;
	}
	qsort_r(key, cnt, sizeof(*key), key_compare, doc);
	for (i = 1; i < cnt && err == 0; i++)
		if (node_compare(doc, key[i - 1], key[i]) == 0)
			err = refuse(dec, -EINVAL, "key twice in a dictionary");
	free(key);
	return err;
}

static int
container_close(struct decoder *dec)
{
	struct open_container *open = &dec->open[dec->depth - 1];
	struct bencode_node *node = &dec->doc->node[open->node];

	if (node->type == BENCODE_DICT && !open->key_next)
		return refuse(dec, -EINVAL, "key without a value");
	dec->pos++;
	dec->depth--;
	node->end = dec->pos;
	node->next = dec->doc->node_cnt;
	if (node->unsorted)
		return unsorted_check(dec, open->node);
	return 0;
}

/* Takes a new member into the innermost open container; a key is compared with the one before. */
static int
member_add(struct decoder *dec, uint32_t index)
{
	struct open_container *open = &dec->open[dec->depth - 1];
	struct bencode_node *node = &dec->doc->node[open->node];
	int order;

	if (node->type == BENCODE_LIST) {
		node->cnt++;
		return 0;
	}
	open->key_next = !open->key_next;
	if (open->key_next) {
		node->cnt++;
		return 0;
	}
	if (open->key_prev != BENCODE_NONE) {
		order = node_compare(dec->doc, open->key_prev, index);
		if (order == 0)
			return refuse(dec, -EINVAL, "key twice in a dictionary");
		if (order > 0)
			node->unsorted = 1;
	}
	open->key_prev = index;
	return 0;
}

static int
value_read(struct decoder *dec)
{
	uint8_t byte = dec->doc->bytes[dec->pos];
	bool key = dec->depth > 0 && dec->open[dec->depth - 1].key_next;
	enum bencode_type type = BENCODE_STR;
	uint32_t index, owner_depth = dec->depth;
	int err;

	if (byte == 'i')
		type = BENCODE_INT;
	else if (byte == 'l')
		type = BENCODE_LIST;
	else if (byte == 'd')
		type = BENCODE_DICT;
	else if (!is_digit(byte))
		return refuse(dec, -EINVAL, "byte that begins no value");
	if (key && type != BENCODE_STR)
		return refuse(dec, -EINVAL, "key that is no string");
	err = node_add(dec, type, &index);
	if (err < 0)
		return err;
	if (type == BENCODE_STR)
		err = str_read(dec, index);
	else if (type == BENCODE_INT)
		err = int_read(dec, index);
	if (err < 0)
		return err;
	dec->doc->node[index].end = dec->pos;
	if (owner_depth > 0)
		err = member_add(dec, index);
	if (err == 0 && (type == BENCODE_LIST || type == BENCODE_DICT))
		err = container_open(dec, index);
	return err;
}

static int
decode_run(struct decoder *dec)
{
	struct bencode *doc = dec->doc;
	int err = 0;

	do {
		if (dec->pos >= doc->len)
			return refuse(dec, -EINVAL, "ends too early");
		if (dec->depth > 0 && doc->bytes[dec->pos] == 'e')
			err = container_close(dec);
		else
			err = value_read(dec);
	} while (err == 0 && dec->depth > 0);
	if (err == 0 && dec->pos != doc->len)
		return refuse(dec, -EINVAL, "bytes after the end");
	return err;
}

int
bencode_decode(struct bencode *doc, const void *bytes, size_t len, const char **why,
	       size_t *err_off)
{
	struct decoder dec = { .doc = doc };
	int err;

	*doc = (struct bencode){ .bytes = bytes };
	if (len > BENCODE_LEN_MAX) {
		err = refuse(&dec, -EFBIG, "too long");
	} else {
		doc->len = (uint32_t)len;
		err = decode_run(&dec);
	}
	if (err < 0) {
		bencode_free(doc);
		if (why != NULL)
			*why = dec.why;
		if (err_off != NULL)
			*err_off = dec.pos;
	}
	return err;
}

void
bencode_free(struct bencode *doc)
{
	free(doc->node);
	*doc = (struct bencode){ 0 };
}

bool
bencode_is(const struct bencode *doc, uint32_t node, enum bencode_type type)
{
	return node != BENCODE_NONE && doc->node[node].type == type;
}

const uint8_t *
bencode_str(const struct bencode *doc, uint32_t node)
{
	return doc->bytes + doc->node[node].str_off;
}

bool
bencode_str_is(const struct bencode *doc, uint32_t node, const char *text)
{
	size_t len = strlen(text);

	return bencode_is(doc, node, BENCODE_STR) && doc->node[node].cnt == len &&
	       memcmp(bencode_str(doc, node), text, len) == 0;
}

const uint8_t *
bencode_raw(const struct bencode *doc, uint32_t node, uint32_t *len)
{
	*len = doc->node[node].end - doc->node[node].off;
	return doc->bytes + doc->node[node].off;
}

uint32_t
bencode_get(const struct bencode *doc, uint32_t dict, const char *key)
{
	uint32_t i, index;

	if (!bencode_is(doc, dict, BENCODE_DICT))
		return BENCODE_NONE;
	index = dict + 1;
	for (i = 0; i < doc->node[dict].cnt; i++) {
		if (bencode_str_is(doc, index, key))
			return index + 1;
		index = doc->node[index + 1].next;
	}
	return BENCODE_NONE;
}

uint32_t
bencode_get_type(const struct bencode *doc, uint32_t dict, const char *key,
		 enum bencode_type type)
{
	uint32_t node = bencode_get(doc, dict, key);

	return bencode_is(doc, node, type) ? node : BENCODE_NONE;
}

void
bencode_out_free(struct bencode_out *out)
{
	free(out->bytes);
	*out = (struct bencode_out){ 0 };
}

void
bencode_put_raw(struct bencode_out *out, const void *bytes, size_t len)
{
	if (out->failed || len == 0)
		return;
	if (len > out->cap - out->len) {
		size_t cap = out->cap * 2 + len + 256;
		uint8_t *grown = cap > len ? realloc(out->bytes, cap) : NULL;

		if (grown == NULL) {
			out->failed = true;
			return;
		}
		out->bytes = grown;
		out->cap = cap;
	}
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

/* Appends the decimal digits of num. */
static void
digits_put(struct bencode_out *out, uint64_t num)
{
	char digit[20];
	size_t first = sizeof(digit);

	do {
		digit[--first] = (char)('0' + num % 10);
		num /= 10;
	} while (num > 0);
	bencode_put_raw(out, digit + first, sizeof(digit) - first);
}

void
bencode_put_int(struct bencode_out *out, int64_t num)
{
	bencode_put_raw(out, num < 0 ? "i-" : "i", num < 0 ? 2 : 1);
	digits_put(out, num < 0 ? 0 - (uint64_t)num : (uint64_t)num);
	bencode_put_raw(out, "e", 1);
}

void
bencode_put_str(struct bencode_out *out, const void *bytes, size_t len)
{
	digits_put(out, len);
	bencode_put_raw(out, ":", 1);
	bencode_put_raw(out, bytes, len);
}

void
bencode_put_text(struct bencode_out *out, const char *text)
{
	bencode_put_str(out, text, strlen(text));
}

void
bencode_put_dict(struct bencode_out *out)
{
	bencode_put_raw(out, "d", 1);
}

void
bencode_put_list(struct bencode_out *out)
{
	bencode_put_raw(out, "l", 1);
}

void
bencode_put_end(struct bencode_out *out)
{
	bencode_put_raw(out, "e", 1);
}
