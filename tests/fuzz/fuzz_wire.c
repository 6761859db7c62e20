/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: the bytes of peers, in any split, while reads end, memory is short, pieces are
 * withdrawn, limits change and time passes. The input is a script: one byte chooses a step, the
 * next what with.
 * Whatever peers do: what they are given is well formed, every block is the content's and comes
 * while they are unchoked, no peer gets more answers than its bytes can ask for, each request and
 * each close is counted once, and nothing is left behind. */
#include "tests/fuzz/store_double.h"
#include "tests/unit/wire_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PEERS_MAX = 8,
	TORRENTS = 4,
	BUFS = 24,
	PIECE_LEN = 40000,
	PIECE_CNT = 40,
	CONNECTS_MAX = 100,
	FLOOD_CNT = 16,       /* requests at once */
	FLOOD_FULL = (WIRE_REQQ + WIRE_REQQ_SLACK) / FLOOD_CNT + 10, /* more than a queue holds */
	FLOODS_MAX = 3 * FLOOD_FULL, /* in a script: a peer closed for it, another's queue full */
	TICKS = 2 * PEERS_MAX /* calls that look at each peer twice */
};

enum step {
	STEP_RAW, STEP_GREET, STEP_BLOCK, STEP_CANCEL, STEP_MESSAGE, STEP_INTERESTED, STEP_EXTENDED,
	STEP_PULL, STEP_PULL_NONE, STEP_FINISH, STEP_REAP, STEP_TICK, STEP_WITHDRAW, STEP_STATE,
	STEP_GONE, STEP_LEAVE, STEP_HOLD, STEP_ACKNOWLEDGE, STEP_READY, STEP_FLOOD, STEP_HELLO,
	STEP_PEX, STEP_HAVE, STEP_NOT_INTERESTED, STEP_CHOKE, STEP_LIMIT, STEP_CNT
};

struct script {
	const uint8_t *at;
	const uint8_t *end;
	uint32_t flood_cnt;
};

/* struct end is what the other end of a connection knows. */
struct end {
	struct lab_peer *peer;
	uint32_t torrent;
	uint64_t sent_len;
	bool greeted;  /* by STEP_GREET, so that the next is so */
	bool known;    /* torrent and fast are what wire knows */
	bool fast;
};

static struct wire_lab lab;
static struct end ends[PEERS_MAX];

static const struct double_torrent torrents[TORRENTS] = {
	{ PIECE_LEN, (uint64_t)PIECE_LEN * PIECE_CNT - 777, 50000, false, true },
	{ PIECE_LEN, (uint64_t)PIECE_LEN * PIECE_CNT, 100, false, false },
	{ PIECE_LEN, 5, 16384, true, true },
	{ 200000, 200000ull * PIECE_CNT, 1, false, true },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t
next(struct script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

/* ---- what peers are given */

static void
block_check(const struct end *end, const struct lab_message *message)
{
	uint64_t at = (uint64_t)lab_be32(message->body) * torrents[end->torrent].piece_len +
	              lab_be32(message->body + 4);

	dp_assert(message->len > 8 && message->len - 8 <= WIRE_REQUEST_LEN_MAX);
	for (uint32_t i = 8; i < message->len; i++)
		dp_assert(message->body[i] == store_double_byte(end->torrent, at + i - 8));
}

/* private_check: members of a private torrent hear of nobody but us (BEP 27). */
static void
private_check(const struct lab_message *message)
{
	dp_assert(message->id != 9);
	dp_assert(message->id != 20 || message->len < 9 ||
	          memcmp(message->body + 1, "d5:added", 8) != 0);
}

/* end_check reads all that a peer was given; its stream stops at a message's end when the peer was
 * given all there was. */
static void
end_check(struct end *end)
{
	struct lab_message message;
	uint32_t answer_cnt = 0;
	bool unchoked = false;

	if (end->peer->got_len == 0)
		return;
	dp_assert(lab_hello(end->peer) != NULL);
	while (lab_next(end->peer, &message)) {
		dp_assert(message.id == 0xff || message.id <= 1 || message.id == 4 ||
		          message.id == 5 ||
		          message.id == 7 || (message.id == 9 && message.len == 2) ||
		          (message.id == 20 && message.len > 1) ||
		          (message.id >= 14 && message.id <= 16));
		dp_assert(message.id < 14 || message.id > 16 || end->fast || !end->known);
		dp_assert(message.id != 7 || unchoked);
		unchoked = message.id <= 1 ? message.id == 1 : unchoked;
		if (message.id == 7 && end->known)
			block_check(end, &message);
		if (end->known && torrents[end->torrent].private_flag)
			private_check(&message);
		answer_cnt += message.id == 7 || message.id == 16;
	}
	dp_assert(answer_cnt * 17ull <= end->sent_len);
}

/* ---- steps */

static void
send_block(struct end *end, uint8_t id, struct script *script)
{
	uint32_t block[3];

	block[0] = next(script) % (PIECE_CNT + 1);
	block[1] = next(script) * 200u;
	block[2] = next(script) * 530u;
	end->sent_len += 17;
	lab_block(&lab, end->peer, id, block);
}

static void
send_some(struct end *end, struct script *script, uint8_t id)
{
	uint32_t len = next(script);
	uint8_t body[256];

	len = MIN(len, (uint32_t)(script->end - script->at));
	memcpy(body, script->at, len);
	script->at += len;
	end->sent_len += 5 + len;
	end->greeted = true; /* or never will be */
	if (id == 0)
		lab_send(&lab, end->peer, body, len);
	else
		lab_message(&lab, end->peer, id, body, len);
}

static void
send_greeting(struct end *end, struct script *script)
{
	uint8_t how = next(script);

	if (end->greeted)
		return;
	end->greeted = true;
	end->known = true;
	end->torrent = how % TORRENTS;
	end->fast = how & 16;
	lab_greet(&lab, end->peer, store_double_torrent(lab.store, end->torrent)->info_hash,
	          (how & 16 ? LAB_FAST : 0u) | (how & 32 ? LAB_EXTENDED : 0u) |
	                  (how & 64 ? LAB_DHT : 0u));
}

/* send_hello says what ut_pex needs. */
static void
send_hello(struct end *end, struct script *script)
{
	uint8_t how = next(script);
	char text[64];
	int len;

	len = snprintf(text + 1, sizeof(text) - 1, "d1:md6:ut_pexi%uee1:pi%ue11:upload_onlyi%uee",
	               how & 7, (uint32_t)next(script) * 257, how >> 7);
	text[0] = 0;
	end->sent_len += 6 + (uint32_t)len;
	lab_message(&lab, end->peer, 20, text, 1 + (uint32_t)len);
}

/* send_pex sends a ut_pex message of lists as long as the script says. */
static void
send_pex(struct end *end, struct script *script)
{
	uint8_t how = next(script);
	char text[128] = { 3 };
	int len;

	len = snprintf(text + 1, sizeof(text) - 1, "d5:added%u:%.*s7:added.f%u:%.*se",
	               (how & 15) + 0u, how & 15, "abcdefghijklmnop", (how >> 4) + 0u, how >> 4,
	               "ABCDEFGHIJKLMNOP");
	end->sent_len += 6 + (uint32_t)len;
	lab_message(&lab, end->peer, 20, text, 1 + (uint32_t)len);
}

/* flood_len takes how often to send FLOOD_CNT: mostly little, for a full queue costs as much as a
 * hundred other steps. */
static uint32_t
flood_len(struct script *script)
{
	uint32_t cnt = next(script);

	cnt = cnt < 240 ? cnt / 16 : FLOOD_FULL;
	cnt = MIN(cnt, FLOODS_MAX - script->flood_cnt);
	script->flood_cnt += cnt;
	return cnt;
}

static void
send_flood(struct end *end, struct script *script)
{
	uint8_t requests[FLOOD_CNT][17] = { 0 };
	uint8_t piece = next(script) % PIECE_CNT;
	uint32_t cnt = flood_len(script);

	for (uint32_t i = 0; i < FLOOD_CNT; i++) {
		requests[i][3] = 13;
		requests[i][4] = 6;
		requests[i][8] = piece;
		requests[i][12] = i % 9;
		requests[i][16] = 1;
	}
	for (uint32_t i = 0; i < cnt && end->peer->peer != NULL; i++) {
		end->sent_len += sizeof(requests);
		lab_send(&lab, end->peer, requests, sizeof(requests));
	}
}

static void
send_have(struct end *end, struct script *script)
{
	const uint8_t body[4] = { 0, 0, 0, next(script) % (PIECE_CNT + 1) };

	end->sent_len += 9;
	lab_message(&lab, end->peer, 4, body, sizeof(body));
}

/* choke_step changes who is unchoked, and whether those who want nothing are closed. */
static void
choke_step(uint8_t how)
{
	const struct wire_choke choke = {
		.slots = how & 3,
		.fastest = how & 4,
		.slow_bytes_per_s = how & 8 ? 1000 : 0,
		.slow_s = how & 8 ? 2 : 0,
	};

	wire_set_choke(lab.wire, &choke, lab.now_us);
	wire_set_drain(lab.wire, how & 16);
}

/* limit_step changes how a torrent is shown and how many of its peers may be here. */
static void
limit_step(uint32_t index, uint8_t how)
{
	struct torrent *torrent = store_double_torrent(lab.store, index);

	torrent->flags = how & 1 ? ABI_ENTRY_SUPER_SEED : 0;
	torrent->connections_max = how & 2 ? 1 + how / 64 : 0;
}

/* torrent_step activates, refuses or removes a torrent. */
static void
torrent_step(struct script *script, bool gone)
{
	uint32_t index = next(script) % TORRENTS;
	struct torrent *torrent = store_double_torrent(lab.store, index);

	if (gone) {
		wire_torrent_changed(lab.wire, torrent, true);
		dp_assert(torrent->peer_cnt == 0);
	} else if (torrent->state == TORRENT_ASKED) {
		store_double_set(lab.store, index,
		                 next(script) & 1 ? TORRENT_ACTIVE : TORRENT_COLD);
		wire_torrent_changed(lab.wire, torrent, false);
	}
}

/* peer_step does a step that needs a peer. */
static void
peer_step(struct end *end, enum step step, struct script *script)
{
	switch (step) {
	case STEP_RAW: send_some(end, script, 0); break;
	case STEP_GREET: send_greeting(end, script); break;
	case STEP_BLOCK: send_block(end, 6, script); break;
	case STEP_CANCEL: send_block(end, 8, script); break;
	case STEP_MESSAGE: send_some(end, script, next(script) | 1); break;
	case STEP_INTERESTED: lab_message(&lab, end->peer, 2, NULL, 0); break;
	case STEP_EXTENDED: send_some(end, script, 20); break;
	case STEP_PULL: lab_pull(&lab, end->peer, next(script) * 1000u); break;
	case STEP_PULL_NONE: lab_pull(&lab, end->peer, 0); break;
	case STEP_LEAVE: lab_leave(&lab, end->peer); break;
	case STEP_FLOOD: send_flood(end, script); break;
	case STEP_HELLO: send_hello(end, script); break;
	case STEP_PEX: send_pex(end, script); break;
	case STEP_HAVE: send_have(end, script); break;
	case STEP_NOT_INTERESTED: lab_message(&lab, end->peer, 3, NULL, 0); break;
	default: break;
	}
}

/* wait lets time pass in TICKS leaps, each a tick or more of the wire. */
static void
wait(uint32_t us)
{
	uint32_t leap_us = MAX(us / TICKS, 10u * 1000);

	for (uint32_t left_us = us; left_us > 0; left_us -= MIN(left_us, leap_us)) {
		lab.now_us += MIN(left_us, leap_us) - 1;
		lab_tick(&lab, 1);
	}
}

static void
world_step(enum step step, struct script *script)
{
	uint8_t how;

	switch (step) {
	case STEP_FINISH:
		how = next(script);
		store_double_finish(lab.store, how >> 1, how & 1);
		break;
	case STEP_REAP: lab_reap(&lab); break;
	case STEP_TICK: wait(next(script) * 30000u); break;
	case STEP_WITHDRAW:
		how = next(script);
		store_double_withdraw(lab.store, how & 0x80 ? 3 : 0, how % PIECE_CNT);
		break;
	case STEP_STATE: torrent_step(script, false); break;
	case STEP_GONE: torrent_step(script, true); break;
	case STEP_HOLD: lab.hold = lab.held_cnt < 50000; break;
	case STEP_ACKNOWLEDGE: lab_acknowledge(&lab, next(script)); break;
	case STEP_READY: store_double_ready(lab.store, next(script) & 1); break;
	case STEP_CHOKE: choke_step(next(script)); break;
	case STEP_LIMIT:
		how = next(script);
		limit_step(how % TORRENTS, how / TORRENTS);
		break;
	default: break;
	}
}

static void
connect_again(struct end *end)
{
	if (end->peer != NULL) {
		end_check(end);
		free(end->peer->got);
		end->peer->got = NULL;
		end->peer->got_len = 0;
		end->peer->got_size = 0;
	}
	*end = (struct end){
		.peer = lab_connect_from(&lab, 0x0100007f + ((uint32_t)(end - ends) << 24)),
	};
}

static void
step_do(struct script *script)
{
	uint8_t choice = next(script);
	struct end *end = &ends[choice >> 5];

	if (end->peer == NULL || end->peer->peer == NULL) {
		if (lab.peer_cnt == CONNECTS_MAX)
			return;
		connect_again(end);
	}
	lab.hold = lab.hold && lab.held_cnt < 50000;
	peer_step(end, choice % 32, script);
	world_step(choice % 32, script);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script script = { .at = data, .end = data + len };

	if (lab.wire == NULL) {
		lab.store = store_double_create(&lab.ctr, torrents, TORRENTS, BUFS, false);
		lab.dht_port = 6881;
		lab_open_wire(&lab, lab.store, PEERS_MAX);
	}
	while (script.at < script.end)
		step_do(&script);
	for (int i = 0; i < PEERS_MAX; i++)
		if (ends[i].peer != NULL)
			end_check(&ends[i]);
	memset(ends, 0, sizeof(ends));
	lab_reset(&lab);
	choke_step(0);
	for (uint32_t i = 0; i < TORRENTS; i++)
		limit_step(i, 0);
	dp_assert(store_free_buffers(lab.store) == BUFS);
	store_double_restore(lab.store);
	return 0;
}
