/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The stream of messages and the table of what they may be. */
#include "dataplane/wire/messages.h"

#include "dataplane/wire/choke.h"
#include "dataplane/wire/extended.h"
#include "dataplane/wire/requests.h"
#include "dataplane/wire/super.h"

#include <string.h>

enum { MESSAGE_BITFIELD = 5 };

enum message_use {
	USE_UNKNOWN,  /* skipped and counted */
	USE_SKIP,
	USE_BODY,     /* gathered, then its handler */
	USE_EXTENDED,
	USE_NEVER,    /* closes the peer */
};

enum message_needs {
	NEEDS_NOTHING,
	NEEDS_FAST,     /* without BEP 6 it closes the peer */
	NEEDS_EXTENDED, /* without BEP 10 it is unknown */
};

struct message_rule {
	uint8_t use;
	uint8_t needs;
	uint32_t min_len; /* of the body */
	uint32_t max_len;
	void (*handle)(struct wire *wire, struct wire_peer *peer, const uint8_t *body);
};

static void
on_interested(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	(void)body;
	peer->interested = true;
	if (peer->state == WIRE_OPEN)
		choke_interested(wire, peer);
}

static void
on_not_interested(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	(void)body;
	peer->interested = false;
	if (peer->state == WIRE_OPEN)
		choke_uninterested(wire, peer);
}

static void
on_have(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	if (UNLIKELY(peer->super != NULL))
		super_have(wire, peer, load_be32(body));
}

static void
on_have_all(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	(void)body;
	peer->seed = true;
	if (UNLIKELY(peer->super != NULL))
		super_all(wire, peer);
}

static struct wire_block
block_read(const uint8_t *body)
{
	return (struct wire_block){
		.piece = load_be32(body),
		.begin = load_be32(body + 4),
		.len = load_be32(body + 8),
	};
}

static void
on_request(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	struct wire_block block = block_read(body);

	request_in(wire, peer, &block);
}

static void
on_cancel(struct wire *wire, struct wire_peer *peer, const uint8_t *body)
{
	struct wire_block block = block_read(body);

	request_cancel(wire, peer, &block);
}

/* rules[message id]; ids not named are unknown */
static const struct message_rule rules[] = {
	/* BEP 3 */
	[0] = { USE_SKIP, NEEDS_NOTHING, 0, 0, NULL },                /* choke: we ask nothing */
	[1] = { USE_SKIP, NEEDS_NOTHING, 0, 0, NULL },                /* unchoke */
	[2] = { USE_BODY, NEEDS_NOTHING, 0, 0, on_interested },
	[3] = { USE_BODY, NEEDS_NOTHING, 0, 0, on_not_interested },
	[4] = { USE_BODY, NEEDS_NOTHING, 4, 4, on_have },
	[MESSAGE_BITFIELD] = { USE_SKIP, NEEDS_NOTHING, 0, WIRE_SKIP_MAX, NULL },
	[6] = { USE_BODY, NEEDS_NOTHING, 12, 12, on_request },
	[7] = { USE_NEVER, NEEDS_NOTHING, 0, WIRE_SKIP_MAX, NULL },   /* piece: never asked for */
	[8] = { USE_BODY, NEEDS_NOTHING, 12, 12, on_cancel },
	[9] = { USE_SKIP, NEEDS_NOTHING, 2, 2, NULL },                /* port (BEP 5) */
	/* BEP 6 */
	[13] = { USE_SKIP, NEEDS_FAST, 4, 4, NULL },                  /* suggest piece */
	[14] = { USE_BODY, NEEDS_FAST, 0, 0, on_have_all },
	[15] = { USE_SKIP, NEEDS_FAST, 0, 0, NULL },                  /* have none */
	[16] = { USE_NEVER, NEEDS_FAST, 12, 12, NULL },               /* reject: never asked for */
	[17] = { USE_SKIP, NEEDS_FAST, 4, 4, NULL },                  /* allowed fast */
	/* BEP 10 */
	[MESSAGE_EXTENDED] = { USE_EXTENDED, NEEDS_EXTENDED, 1, WIRE_SKIP_MAX, NULL },
};

static const struct message_rule unknown = { USE_UNKNOWN, NEEDS_NOTHING, 0, WIRE_SKIP_MAX, NULL };

static const struct message_rule *
rule_of(const struct wire_peer *peer, uint8_t id)
{
	const struct message_rule *rule = id < ARRAY_CNT(rules) ? &rules[id] : &unknown;

	if (rule->use == USE_UNKNOWN || (rule->needs == NEEDS_EXTENDED && !peer->extended))
		return &unknown;
	return rule;
}

/* message_end makes ready for the next message. */
static void
message_end(struct wire_peer *peer)
{
	peer->stage = STAGE_HEAD;
	peer->in_len = 0;
	peer->left = 0;
}

static void
message_skip(struct wire_peer *peer)
{
	if (peer->left == 0)
		message_end(peer);
	else
		peer->stage = STAGE_SKIP;
}

static void
message_extended(struct wire *wire, struct wire_peer *peer)
{
	if (peer->left <= WIRE_MESSAGE_MAX) {
		peer->stage = STAGE_EXTENDED;
		return;
	}
	count(wire->ctr, CTR_wire_bad_extended);
	message_skip(peer);
}

/* message_begin decides, by id and length, what becomes of a message. */
static void
message_begin(struct wire *wire, struct wire_peer *peer)
{
	const struct message_rule *rule = rule_of(peer, peer->in[4]);

	if (peer->left < rule->min_len || peer->left > rule->max_len || rule->use == USE_NEVER ||
	    (rule->needs == NEEDS_FAST && !peer->fast)) {
		peer_doom(wire, peer, CTR_wire_bad_message);
		return;
	}
	switch ((enum message_use)rule->use) {
	case USE_BODY:
		peer->stage = STAGE_BODY;
		if (peer->left == 0) {
			message_end(peer);
			rule->handle(wire, peer, peer->in + WIRE_HEAD_LEN);
		}
		break;
	case USE_EXTENDED:
		message_extended(wire, peer);
		break;
	case USE_UNKNOWN:
		count(wire->ctr, CTR_wire_unknown_message);
		message_skip(peer);
		break;
	default:
		message_skip(peer);
		break;
	}
}

uint32_t
message_head_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t want = peer->in_len < 4 ? 4 : WIRE_HEAD_LEN;
	uint32_t n = MIN(len, want - peer->in_len);

	memcpy(peer->in + peer->in_len, data, n);
	peer->in_len = (uint8_t)(peer->in_len + n);
	if (peer->in_len == 4) {
		uint32_t message_len = load_be32(peer->in);

		if (message_len > WIRE_SKIP_MAX)
			peer_doom(wire, peer, CTR_wire_bad_length);
		else if (message_len == 0) /* keep-alive */
			message_end(peer);
		else
			peer->left = message_len - 1;
	} else if (peer->in_len == WIRE_HEAD_LEN) {
		message_begin(wire, peer);
	}
	return n;
}

uint32_t
message_body_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t n = MIN(len, peer->left);
	const struct message_rule *rule = rule_of(peer, peer->in[4]);

	dp_assert(peer->in_len + n <= WIRE_HEAD_LEN + WIRE_BODY_MAX && rule->handle != NULL);
	memcpy(peer->in + peer->in_len, data, n);
	peer->in_len = (uint8_t)(peer->in_len + n);
	peer->left -= n;
	if (peer->left == 0) {
		message_end(peer);
		rule->handle(wire, peer, peer->in + WIRE_HEAD_LEN);
	}
	return n;
}

/* assemble adds to the buffer of an extended message that comes in parts. */
COLD static uint32_t
assemble(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t n = MIN(len, peer->left);

	static_assert((int)WIRE_MESSAGE_MAX <= (int)WIRE_MESSAGE_BUF_LEN, "it fits a buffer");
	if (peer->assembly == NULL) {
		peer->assembly = buf_get(wire->messages);
		peer->assembly_len = 0;
	}
	if (peer->assembly == NULL) {
		peer_doom(wire, peer, CTR_wire_no_buffer);
		return n;
	}
	memcpy(peer->assembly->data + peer->assembly_len, data, n);
	peer->assembly_len += n;
	peer->left -= n;
	if (peer->left > 0)
		return n;
	message_end(peer);
	extended_in(wire, peer, peer->assembly->data, peer->assembly_len);
	buf_put(peer->assembly);
	peer->assembly = NULL;
	return n;
}

uint32_t
message_extended_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t message_len = peer->left;

	if (peer->assembly != NULL || len < message_len)
		return assemble(wire, peer, data, len);
	message_end(peer);
	extended_in(wire, peer, data, message_len);
	return message_len;
}

uint32_t
message_skip_in(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len)
{
	uint32_t n = MIN(len, peer->left);
	uint32_t bitfield_len = load_be32(peer->in) - 1;

	if (UNLIKELY(peer->super != NULL && peer->in[4] == MESSAGE_BITFIELD) &&
	    !super_bitfield(peer, data, bitfield_len - peer->left, n, bitfield_len))
		peer_doom(wire, peer, CTR_wire_bad_message);
	peer->left -= n;
	if (peer->left == 0)
		message_end(peer);
	return n;
}
