/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BEP 11: who is told of whom, and when. */
#include "tests/unit/wire_world.h"

enum {
	SECOND = 1000 * 1000,
	TO = 9,           /* the peers' id of ut_pex */
	SEED = 0x02,
	CONTACT_LEN = 6,
	MANY_PEERS = 120, /* more than one is told of, and than a message adds */
};

/* address_of gives each peer of a test its own. */
static uint32_t
address_of(uint32_t i)
{
	const uint8_t bytes[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
	uint32_t address_be;

	memcpy(&address_be, bytes, 4);
	return address_be;
}

/* says sends an extended handshake. */
static void
says(struct world *world, struct lab_peer *peer, const char *text)
{
	char message[128];
	int len = snprintf(message + 1, sizeof(message) - 1, "%s", text);

	message[0] = 0;
	assert_int_equal(lab_message(&world->lab, peer, EXTENDED, message, 1 + (uint32_t)len),
	                 WIRE_OK);
}

/* comes connects a peer that has read its greeting and said nothing yet of itself. */
static struct lab_peer *
comes(struct world *world, uint32_t torrent, uint32_t address_be)
{
	struct lab_peer *peer = lab_connect_from(&world->lab, address_be);
	struct lab_message message;

	assert_non_null(peer);
	lab_greet(&world->lab, peer, world_hash(world, torrent), LAB_FAST | LAB_EXTENDED);
	lab_pull(&world->lab, peer, LAB_ROOM);
	if (peer->got_len == 0)
		return peer;
	lab_hello(peer);
	while (lab_next(peer, &message))
		;
	return peer;
}

/* member connects a peer that listens on a port and speaks ut_pex. */
static struct lab_peer *
member(struct world *world, uint32_t i, uint16_t port)
{
	struct lab_peer *peer = comes(world, PLAIN, address_of(i));
	char text[64];

	snprintf(text, sizeof(text), "d1:md6:ut_pexi%dee1:pi%uee", TO, port);
	says(world, peer, text);
	return peer;
}

/* struct heard is what a ut_pex message says. */
struct heard {
	const uint8_t *added;
	const uint8_t *flags;
	const uint8_t *dropped;
	uint32_t added_cnt;
	uint32_t dropped_cnt;
};

/* string_of finds a key of the message, which has them in order, and its string. */
static const uint8_t *
string_of(const uint8_t **at, const char *key, uint32_t *len)
{
	char head[32];
	const char *number;
	char *end;

	snprintf(head, sizeof(head), "%zu:%s", strlen(key), key);
	assert_memory_equal(*at, head, strlen(head));
	number = (const char *)*at + strlen(head);
	*len = (uint32_t)strtoul(number, &end, 10);
	assert_int_equal(*end, ':');
	*at = (const uint8_t *)end + 1 + *len;
	return (const uint8_t *)end + 1;
}

/* hears lets a second pass and reads what a peer is told meanwhile; false: nothing. */
static bool
hears(struct world *world, struct lab_peer *peer, struct heard *heard)
{
	struct lab_message message;
	const uint8_t *at;
	uint32_t len;

	memset(heard, 0, sizeof(*heard));
	lab_tick(&world->lab, SECOND + SECOND / 10);
	lab_pull(&world->lab, peer, LAB_ROOM);
	if (!lab_next(peer, &message))
		return false;
	assert_int_equal(message.id, EXTENDED);
	assert_int_equal(message.body[0], TO);
	assert_int_equal(message.body[1], 'd');
	at = message.body + 2;
	heard->added = string_of(&at, "added", &len);
	heard->added_cnt = len / CONTACT_LEN;
	assert_int_equal(len % CONTACT_LEN, 0);
	heard->flags = string_of(&at, "added.f", &len);
	assert_int_equal(len, heard->added_cnt);
	heard->dropped = string_of(&at, "dropped", &len);
	heard->dropped_cnt = len / CONTACT_LEN;
	assert_int_equal(len % CONTACT_LEN, 0);
	assert_int_equal(*at, 'e');
	assert_ptr_equal(at + 1, message.body + message.len);
	assert_true(heard->added_cnt + heard->dropped_cnt > 0);
	expect_nothing(peer);
	return true;
}

static void
expect_contact(const uint8_t *contact, uint32_t i, uint16_t port)
{
	uint32_t address_be = address_of(i);

	assert_memory_equal(contact, &address_be, 4);
	assert_int_equal(contact[4] << 8 | contact[5], port);
}

/* minute lets the time between two messages pass; peers stay alive. */
static void
minute(struct world *world)
{
	for (uint32_t i = 0; i < world->lab.peer_cnt; i++)
		if (world->lab.peer[i].peer != NULL)
			lab_send(&world->lab, &world->lab.peer[i], "\0\0\0\0", 4);
	lab_tick(&world->lab, WIRE_PEX_US);
}

static void
two_hear_of_each_other(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *second;
	struct heard heard;

	assert_false(hears(world, first, &heard));
	second = member(world, 2, 51002);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	assert_int_equal(heard.dropped_cnt, 0);
	assert_int_equal(heard.flags[0], 0);
	expect_contact(heard.added, 2, 51002); /* where it listens, not 50000 */
	assert_true(hears(world, second, &heard));
	expect_contact(heard.added, 1, 51001);
	assert_int_equal(lab_counter(&world->lab, CTR_pex_sent), 2);
	minute(world);
	assert_false(hears(world, first, &heard) || hears(world, second, &heard));
}

static void
one_message_a_minute(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct heard heard;

	member(world, 2, 51002);
	assert_true(hears(world, first, &heard));
	member(world, 3, 51003);
	for (int i = 0; i < 54; i++)
		assert_false(hears(world, first, &heard));
	lab_tick(&world->lab, 3 * SECOND);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	expect_contact(heard.added, 3, 51003);
}

static void
who_left_is_dropped(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *second = member(world, 2, 51002);
	struct heard heard;

	assert_true(hears(world, first, &heard));
	lab_leave(&world->lab, second);
	member(world, 3, 51003);
	minute(world);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	expect_contact(heard.added, 3, 51003);
	assert_int_equal(heard.dropped_cnt, 1);
	expect_contact(heard.dropped, 2, 51002);
	minute(world);
	assert_false(hears(world, first, &heard));
}

/* None may be in both lists of a message (BEP 11). */
static void
who_came_back_is_dropped_first(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *second = member(world, 2, 51002);
	struct heard heard;

	assert_true(hears(world, first, &heard));
	lab_leave(&world->lab, second);
	member(world, 2, 51002);
	minute(world);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 0);
	assert_int_equal(heard.dropped_cnt, 1);
	minute(world);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	expect_contact(heard.added, 2, 51002);
	assert_int_equal(heard.dropped_cnt, 0);
}

static void
who_came_and_went_is_not_mentioned(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct heard heard;

	lab_leave(&world->lab, member(world, 2, 51002));
	assert_false(hears(world, first, &heard));
	member(world, 3, 51003);
	lab_tick(&world->lab, WIRE_PEX_AGAIN_US);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	assert_int_equal(heard.dropped_cnt, 0);
}

static void
who_does_not_say_where_it_listens_only_hears(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *hidden = comes(world, PLAIN, address_of(2));
	struct heard heard;

	says(world, hidden, "d1:md6:ut_pexi9eee");
	assert_false(hears(world, first, &heard));
	assert_true(hears(world, hidden, &heard));
	expect_contact(heard.added, 1, 51001);
	says(world, hidden, "d1:pi0ee");
	says(world, hidden, "d1:pi65536ee");
	says(world, hidden, "d1:pi-1ee");
	says(world, hidden, "d1:p4:1234e");
	lab_tick(&world->lab, WIRE_PEX_AGAIN_US);
	assert_false(hears(world, first, &heard));
	says(world, hidden, "d1:pi51002ee");
	assert_true(hears(world, first, &heard));
	expect_contact(heard.added, 2, 51002);
	/* the first port stays: who changes it does not become new each time */
	says(world, hidden, "d1:pi51003ee");
	minute(world);
	assert_false(hears(world, first, &heard));
}

static void
who_does_not_speak_it_is_only_told_of(void **state)
{
	struct world *world = *state;
	struct lab_peer *mute = comes(world, PLAIN, address_of(1));
	struct lab_peer *second = member(world, 2, 51002);
	struct heard heard;

	says(world, mute, "d1:pi51001ee");
	assert_false(hears(world, mute, &heard));
	assert_true(hears(world, second, &heard));
	expect_contact(heard.added, 1, 51001);
	says(world, mute, "d1:md6:ut_pexi9eee");
	assert_true(hears(world, mute, &heard));
	says(world, mute, "d1:md6:ut_pexi0eee"); /* no longer */
	member(world, 3, 51003);
	minute(world);
	assert_false(hears(world, mute, &heard));
}

static void
seeds_do_not_hear_of_seeds(void **state)
{
	struct world *world = *state;
	struct lab_peer *seed = member(world, 1, 51001);
	struct lab_peer *other = member(world, 2, 51002);
	struct lab_peer *leech;
	struct heard heard;

	says(world, seed, "d11:upload_onlyi1ee");
	lab_message(&world->lab, other, HAVE_ALL, NULL, 0);
	assert_false(hears(world, seed, &heard) || hears(world, other, &heard));
	leech = member(world, 3, 51003);
	assert_true(hears(world, leech, &heard));
	assert_int_equal(heard.added_cnt, 2);
	assert_int_equal(heard.flags[0], SEED);
	assert_int_equal(heard.flags[1], SEED);
	lab_tick(&world->lab, WIRE_PEX_AGAIN_US);
	assert_true(hears(world, seed, &heard));
	assert_int_equal(heard.added_cnt, 1);
	expect_contact(heard.added, 3, 51003);
	assert_int_equal(heard.flags[0], 0);
}

static void
one_contact_an_address(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *neighbour;
	struct heard heard;

	for (int i = 0; i < 20; i++)
		member(world, 2, (uint16_t)(51002 + i));
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	/* two behind one address do hear of each other, not of themselves */
	neighbour = member(world, 1, 51100);
	member(world, 1, 51100);
	assert_true(hears(world, neighbour, &heard));
	assert_int_equal(heard.added_cnt, 2);
	expect_contact(heard.added + CONTACT_LEN, 1, 51001);
}

/* No message adds or drops more than 50, and none is told of more than that. */
static void
many_are_told_in_part(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[MANY_PEERS];
	struct lab_peer *last;
	struct heard heard;

	lab_reset(&world->lab);
	lab_close_wire(&world->lab);
	lab_open_wire(&world->lab, world->store, LAB_PEERS_MAX);
	for (uint32_t i = 0; i < MANY_PEERS; i++)
		peers[i] = member(world, i, (uint16_t)(51000 + i));
	last = member(world, MANY_PEERS, 60000);
	assert_true(hears(world, last, &heard));
	assert_int_equal(heard.added_cnt, WIRE_PEX_TOLD_MAX);
	for (uint32_t i = 0; i < WIRE_PEX_TOLD_MAX; i++)
		expect_contact(heard.added + i * CONTACT_LEN, MANY_PEERS - 1 - i,
		               (uint16_t)(51000 + MANY_PEERS - 1 - i));
	for (uint32_t i = 0; i < WIRE_PEX_TOLD_MAX; i++)
		lab_leave(&world->lab, peers[MANY_PEERS - 1 - i]);
	minute(world);
	assert_true(hears(world, last, &heard)); /* others take their place */
	assert_int_equal(heard.added_cnt, WIRE_PEX_TOLD_MAX);
	assert_int_equal(heard.dropped_cnt, WIRE_PEX_TOLD_MAX);
	minute(world);
	assert_false(hears(world, last, &heard));
}

static void
torrents_are_apart_and_private_ones_silent(void **state)
{
	struct world *world = *state;
	struct lab_peer *plain = member(world, 1, 51001);
	struct lab_peer *peers[2];
	struct heard heard;

	for (uint32_t i = 0; i < 2; i++) {
		peers[i] = comes(world, i == 0 ? MANY : PRIVATE, address_of(2 + i));
		says(world, peers[i], "d1:md6:ut_pexi9ee1:pi51002ee");
	}
	says(world, comes(world, PRIVATE, address_of(5)), "d1:md6:ut_pexi9ee1:pi51005ee");
	assert_false(hears(world, plain, &heard) || hears(world, peers[0], &heard) ||
	             hears(world, peers[1], &heard));
	lab_message(&world->lab, peers[1], EXTENDED, TEXT("\3d5:added0:e"));
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_message), 1);
	assert_int_equal(lab_counter(&world->lab, CTR_pex_received), 0);
}

static void
cold_torrent_begins_when_active(void **state)
{
	struct world *world = *state;
	struct lab_peer *peers[2];
	struct lab_message message;
	struct heard heard;

	for (uint32_t i = 0; i < 2; i++) {
		peers[i] = comes(world, COLD_ONE, address_of(i));
		says(world, peers[i], "d1:md6:ut_pexi9ee1:pi51002ee");
	}
	lab_tick(&world->lab, 2 * SECOND);
	store_double_set(world->store, COLD_ONE, TORRENT_ACTIVE);
	wire_torrent_changed(world->lab.wire, store_double_torrent(world->store, COLD_ONE), false);
	for (uint32_t i = 0; i < 2; i++) {
		lab_pull(&world->lab, peers[i], 0);
		lab_hello(peers[i]);
		while (lab_next(peers[i], &message))
			;
		assert_true(hears(world, peers[i], &heard));
		expect_contact(heard.added, 1 - i, 51002);
	}
	/* all that it knew goes with the torrent */
	wire_torrent_changed(world->lab.wire, store_double_torrent(world->store, COLD_ONE), true);
	assert_null(store_double_torrent(world->store, COLD_ONE)->active->swarm);
	lab_reap(&world->lab);
	assert_true(peers[0]->closed && peers[1]->closed);
}

static void
messages_wait_for_room_and_buffers(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct lab_peer *greedy;
	struct lab_message message;
	struct heard heard;

	member(world, 2, 51002);
	lab_tick(&world->lab, 2 * SECOND);
	assert_true(wire_pending(first->peer));
	assert_int_equal(lab_pull(&world->lab, first, 0), 0);
	assert_true(lab_pull(&world->lab, first, 1) > 0);
	assert_true(lab_next(first, &message));

	/* half of the buffers are left to greetings */
	world->lab.hold = true;
	greedy = comes(world, PLAIN, address_of(3));
	says(world, greedy, "d1:md11:ut_metadatai1eee");
	for (int i = 0; lab_counter(&world->lab, CTR_metadata_rejected) == 0; i++) {
		lab_message(&world->lab, greedy, EXTENDED, TEXT("\1d8:msg_typei0e5:piecei0ee"));
		lab_pull(&world->lab, greedy, LAB_ROOM);
	}
	member(world, 4, 51004);
	minute(world);
	assert_false(hears(world, first, &heard));
	lab_acknowledge(&world->lab, UINT32_MAX);
	world->lab.hold = false;
	lab_tick(&world->lab, WIRE_PEX_AGAIN_US);
	assert_true(hears(world, first, &heard));
	assert_int_equal(heard.added_cnt, 1);
	expect_contact(heard.added, 4, 51004);
}

/* ---- what peers tell */

static void
what_peers_tell_is_checked_and_ignored(void **state)
{
	static const struct {
		const char *text;
		uint32_t len;
		bool sound;
	} messages[] = {
		{ TEXT("\3d5:added6:abcdef7:added.f1:x7:dropped0:e"), true },
		{ TEXT("\3d5:added0:7:added.f0:6:added60:8:added6.f0:7:dropped0:8:dropped60:e"),
		  true },
		{ TEXT("\3d7:added.f1:x5:added6:abcdefe"), true }, /* not sorted */
		{ TEXT("\3d5:added6:abcdefe"), true },             /* flags are optional */
		{ TEXT("\3d5:other4:what7:dropped12:abcdefabcdefe"), true },
		{ TEXT("\3d6:added618:abcdefghijklmnopqr8:added6.f1:\0e"), true },
		{ TEXT("\3"), false },
		{ TEXT("\3e"), false },
		{ TEXT("\3d"), false },
		{ TEXT("\3le"), false },
		{ TEXT("\3d5:added5:abcdee"), false },
		{ TEXT("\3d5:added7:abcdefge"), false },
		{ TEXT("\3d5:addedi6ee"), false },
		{ TEXT("\3d5:added6:abcde"), false },
		{ TEXT("\3d5:added6:abcdef7:added.f2:xye"), false },
		{ TEXT("\3d7:added.f1:xe"), false },
		{ TEXT("\3d6:added617:abcdefghijklmnopqe"), false },
		{ TEXT("\3d8:added6.f1:xe"), false },
		{ TEXT("\3d7:dropped1:xe"), false },
		{ TEXT("\3d8:dropped66:abcdefe"), false },
		{ TEXT("\3d5:added6:abcdefex"), false },
	};
	struct world *world = *state;
	struct lab_peer *peer = comes(world, PLAIN, address_of(1));
	uint32_t sound_cnt = 0;

	for (uint32_t i = 0; i < ARRAY_CNT(messages); i++) {
		assert_int_equal(lab_message(&world->lab, peer, EXTENDED, messages[i].text,
		                             messages[i].len),
		                 WIRE_OK);
		sound_cnt += messages[i].sound;
		assert_int_equal(lab_counter(&world->lab, CTR_pex_received), sound_cnt);
		assert_int_equal(lab_counter(&world->lab, CTR_wire_bad_extended),
		                 i + 1 - sound_cnt);
		minute(world);
	}
}

static void
floods_are_counted(void **state)
{
	struct world *world = *state;
	struct lab_peer *peer = comes(world, PLAIN, address_of(1));

	for (int i = 0; i < 100; i++)
		assert_int_equal(lab_message(&world->lab, peer, EXTENDED,
		                             TEXT("\3d5:added6:abcdefe")),
		                 WIRE_OK);
	assert_int_equal(lab_counter(&world->lab, CTR_pex_received), 1);
	assert_int_equal(lab_counter(&world->lab, CTR_pex_flood), 99);
}

static int
setup_without_pex(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->lab.pex_off = true;
	world->store = store_double_create(&world->lab.ctr, world_torrents,
	                                   ARRAY_CNT(world_torrents), WORLD_BUFS, true);
	lab_open_wire(&world->lab, world->store, WORLD_PEERS);
	*state = world;
	return 0;
}

static void
switched_off_nothing_is_offered_or_told(void **state)
{
	struct world *world = *state;
	struct lab_peer *first = member(world, 1, 51001);
	struct heard heard;

	member(world, 2, 51002);
	assert_false(hears(world, first, &heard));
	assert_null(memmem(first->got, first->got_len, TEXT("ut_pex")));
	lab_message(&world->lab, first, EXTENDED, TEXT("\3d5:added0:e"));
	assert_int_equal(lab_counter(&world->lab, CTR_wire_unknown_message), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(two_hear_of_each_other),
		WORLD_TEST(one_message_a_minute),
		WORLD_TEST(who_left_is_dropped),
		WORLD_TEST(who_came_back_is_dropped_first),
		WORLD_TEST(who_came_and_went_is_not_mentioned),
		WORLD_TEST(who_does_not_say_where_it_listens_only_hears),
		WORLD_TEST(who_does_not_speak_it_is_only_told_of),
		WORLD_TEST(seeds_do_not_hear_of_seeds),
		WORLD_TEST(one_contact_an_address),
		WORLD_TEST(many_are_told_in_part),
		WORLD_TEST(torrents_are_apart_and_private_ones_silent),
		WORLD_TEST(cold_torrent_begins_when_active),
		WORLD_TEST(messages_wait_for_room_and_buffers),
		WORLD_TEST(what_peers_tell_is_checked_and_ignored),
		WORLD_TEST(floods_are_counted),
		cmocka_unit_test_setup_teardown(switched_off_nothing_is_offered_or_told,
		                                setup_without_pex, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
