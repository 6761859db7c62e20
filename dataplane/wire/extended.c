/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The extended handshake, and which extended message goes where. */
#include "dataplane/wire/extended.h"

#include "dataplane/wire/bdecode.h"
#include "dataplane/wire/metadata.h"
#include "dataplane/wire/pex.h"

void
text_add(struct text *text, const char *characters)
{
	uint32_t len = (uint32_t)strlen(characters);

	dp_assert(len <= sizeof(text->bytes) - text->len);
	memcpy(text->bytes + text->len, characters, len);
	text->len += len;
}

void
text_add_int(struct text *text, uint32_t value)
{
	char digits[] = "i4294967295e";
	char *at = digits + sizeof(digits) - 2; /* the 'e' */

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	*--at = 'i';
	text_add(text, at);
}

void
text_start(struct text *text, uint8_t extended_id)
{
	text->bytes[4] = MESSAGE_EXTENDED;
	text->bytes[5] = extended_id;
	text->len = EXTENDED_HEAD_LEN;
}

void
text_end(struct text *text, uint32_t more_len)
{
	dp_assert(text->len >= EXTENDED_HEAD_LEN);
	store_be32(text->bytes, text->len - 4 + more_len);
}

void
extended_give(struct wire *wire, struct wire_peer *peer, struct compose *out)
{
	struct text text;

	static_assert(sizeof(text.bytes) <= WIRE_FRAGS_MAX * FRAG_INLINE_MAX, "one part");
	text_start(&text, 0);
	text_add(&text, "d1:md11:lt_donthave");
	text_add_int(&text, WIRE_ID_DONTHAVE);
	if (!peer_is_private(peer)) {
		text_add(&text, "11:ut_metadata");
		text_add_int(&text, WIRE_ID_METADATA);
	}
	if (pex_offered(wire, peer)) {
		text_add(&text, "6:ut_pex");
		text_add_int(&text, WIRE_ID_PEX);
	}
	text_add(&text, "e");
	if (!peer_is_private(peer)) {
		text_add(&text, "13:metadata_size");
		text_add_int(&text, peer->torrent->active->layout->metadata_len);
	}
	text_add(&text, "1:p");
	text_add_int(&text, wire->listen_port);
	text_add(&text, "4:reqq");
	text_add_int(&text, WIRE_REQQ);
	static_assert(sizeof(WIRE_CLIENT_NAME) - 1 == 12, "the name's length is in the text");
	text_add(&text, peer->super != NULL ? "11:upload_onlyi0e" : "11:upload_onlyi1e");
	text_add(&text, "1:v12:" WIRE_CLIENT_NAME "6:yourip4:");
	dp_assert(text.len + 5 <= sizeof(text.bytes));
	memcpy(text.bytes + text.len, &peer->address_be, 4);
	text.len += 4;
	text_add(&text, "e");
	text_end(&text, 0);
	compose_bytes(out, text.bytes, text.len);
}

/* struct told is what an extended handshake tells; -1: nothing. */
struct told {
	int64_t metadata;
	int64_t donthave;
	int64_t pex;
	int64_t port;
	int64_t upload_only;
};

/* ids_read reads the m dictionary. */
static bool
ids_read(struct bcursor *cursor, struct told *told)
{
	struct bstring name;
	int64_t id;

	if (!bdecode_take(cursor, 'd'))
		return false;
	while (!bdecode_take(cursor, 'e')) {
		if (!bdecode_string(cursor, &name) || !bdecode_int(cursor, &id) || id < 0 ||
		    id > UINT8_MAX)
			return false;
		if (bstring_is(&name, "ut_metadata"))
			told->metadata = id;
		else if (bstring_is(&name, "lt_donthave"))
			told->donthave = id;
		else if (bstring_is(&name, "ut_pex"))
			told->pex = id;
	}
	return true;
}

/* integer_read reads a value that is of use if it is an integer, and passes any other. */
static bool
integer_read(struct bcursor *cursor, int64_t *value)
{
	if (cursor->at < cursor->end && *cursor->at == 'i')
		return bdecode_int(cursor, value);
	return bdecode_skip(cursor);
}

/* value_read reads the value of a key. */
static bool
value_read(struct bcursor *cursor, const struct bstring *key, struct told *told)
{
	if (bstring_is(key, "m"))
		return ids_read(cursor, told);
	if (bstring_is(key, "p"))
		return integer_read(cursor, &told->port);
	if (bstring_is(key, "upload_only"))
		return integer_read(cursor, &told->upload_only);
	return bdecode_skip(cursor);
}

/* hello_read reads a whole extended handshake. */
static bool
hello_read(struct bcursor *cursor, struct told *told)
{
	struct bstring key;

	if (!bdecode_take(cursor, 'd'))
		return false;
	while (!bdecode_take(cursor, 'e'))
		if (!bdecode_string(cursor, &key) || !value_read(cursor, &key, told))
			return false;
	return cursor->at == cursor->end;
}

COLD static void
hello_in(struct wire *wire, struct wire_peer *peer, struct bcursor cursor)
{
	struct told told = { -1, -1, -1, -1, -1 };

	if (!hello_read(&cursor, &told)) {
		count(wire->ctr, CTR_wire_bad_extended);
		return;
	}
	if (told.metadata >= 0)
		peer->metadata_id = (uint8_t)told.metadata;
	if (told.donthave >= 0)
		peer->donthave_id = (uint8_t)told.donthave;
	if (told.pex >= 0)
		peer->pex_id = (uint8_t)told.pex;
	if (told.port > 0 && told.port <= UINT16_MAX && peer->listen_port == 0)
		peer->listen_port = (uint16_t)told.port;
	if (told.upload_only >= 0)
		peer->seed = told.upload_only > 0;
	if (told.donthave > 0 && peer->state == WIRE_OPEN && peer->greeting > GREETING_PIECES)
		peer->donthave_next = 0; /* pieces may have gone before it could be told */
	pex_join(wire, peer);
}

void
extended_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	struct bcursor cursor = { .at = data + 1, .end = data + len };

	dp_assert(len > 0);
	switch (data[0]) {
	case 0:
		hello_in(wire, peer, cursor);
		break;
	case WIRE_ID_METADATA:
		metadata_in(wire, peer, cursor);
		break;
	case WIRE_ID_DONTHAVE: /* BEP 54: a seeder does not keep what peers have */
		break;
	case WIRE_ID_PEX:
		pex_in(wire, peer, cursor);
		break;
	default:
		count(wire->ctr, CTR_wire_unknown_message);
		break;
	}
}
