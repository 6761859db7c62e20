/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Two stacks of ours, back to back over a wire that delays and loses, in virtual time: one opens
 * and one listens, or both open (RFC 9293 3.5); bytes flow both ways; each half-closes when it has
 * sent its part. Frames are taken apart and put together as between hosts. */
#include "tests/unit/tcp_lab.h"

#include "dataplane/tcp/isn.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	FRAMES_MAX = 4096,
	FRAME_LEN = 1600,
	DELAY_US = 10000,
	PERIOD = 65521,            /* of the content */
	PORT_A = 7000,
	PORT_B = 8000,
};

struct end {
	struct tcp_stack *stack;
	struct counters ctr;
	struct ip_local local;
	uint64_t secret[2];
	uint64_t clock_us;         /* its clock is ahead of the wire's by this */
	struct tcb *tcb;
	uint32_t to_send;
	uint32_t sent;
	uint32_t got;
	uint32_t events;           /* all that were told */
};

struct frame {
	uint64_t at_us;
	struct end *to;
	uint32_t len;
	uint8_t data[FRAME_LEN];
};

static struct end a, b;
static uint8_t content[2 * PERIOD];
static struct frame frames[FRAMES_MAX];        /* a ring: the delay is the same for all */
static uint32_t frame_first, frame_cnt;
static uint64_t wire_us, random_state;
static uint32_t loss_ppm;

static uint32_t
random_below(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % below);
}

/* ---- ends */

static struct tcp_remote
remote_of(const struct end *from, const struct end *to)
{
	struct tcp_remote remote = {
		.addr_be = to->local.addr_be,
		.port = to == &a ? PORT_A : PORT_B,
		.local_port = from == &a ? PORT_A : PORT_B,
	};

	memcpy(remote.mac, to->local.mac, sizeof(remote.mac));
	return remote;
}

/* end_init makes an end whose clock gives its connection a wanted ISN. */
static void
end_init(struct end *end, uint8_t number, uint32_t isn)
{
	struct flow_key key = {htonl(0x0a000003u - number), htonl(0x0a000000u + number),
	                       number == 1 ? PORT_B : PORT_A, number == 1 ? PORT_A : PORT_B};
	struct tcp_config config = {.connections_max = 4, .ctr = &end->ctr};

	*end = (struct end){.secret = {number, 77}};
	end->local = (struct ip_local){.mac = {2, 0, 0, 0, 0, number}, .mtu = 1500,
	                               .addr_be = htonl(0x0a000000u + number)};
	end->clock_us = ((uint64_t)(isn - isn_make(end->secret, &key, 0)) << 2) + (1ull << 36);
	config.local = end->local;
	memcpy(config.secret, end->secret, sizeof(config.secret));
	end->stack = tcp_create(&config, end->clock_us);
	assert_non_null(end->stack);
}

static void
take_bytes(struct end *end, struct tcb *tcb)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = tcp_read(end->stack, tcb, &data)) > 0) {
		assert_true(len <= PERIOD);
		assert_memory_equal(data, content + end->got % PERIOD, len);
		end->got += len;
	}
}

static void
take_events(struct end *end, struct tcb *tcb, uint32_t events)
{
	if (tcb == NULL)
		return;
	if (end->tcb == NULL)
		assert_true(events & TCP_EV_OPEN);
	end->tcb = tcb;
	end->events |= events;
	if (events & TCP_EV_READ)
		take_bytes(end, tcb);
	if (events & TCP_EV_CLOSED)
		end->tcb = NULL;
}

/* feed queues what there is room for, and half-closes behind the last byte. */
static void
feed(struct end *end)
{
	if (end->tcb == NULL || (end->events & TCP_EV_OPEN) == 0)
		return;
	while (end->sent < end->to_send) {
		struct frag frag = {.span = {.data = content + end->sent % PERIOD}};
		uint32_t room = tcp_send_room(end->stack, end->tcb);

		frag.span.len = MIN(MIN(room, end->to_send - end->sent), 9000u);
		if (frag.span.len == 0 || tcp_send(end->stack, end->tcb, &frag, 1) < 0)
			return;
		end->sent += frag.span.len;
	}
	tcp_shutdown(end->stack, end->tcb, wire_us + end->clock_us);
}

/* ---- the wire */

/* frame_make puts a packet together as a port does. */
static uint32_t
frame_make(uint8_t *to, const struct pkt_out *pkt)
{
	uint32_t len = pkt->hdr_len;
	uint16_t csum;

	memcpy(to, pkt->hdr, pkt->hdr_len);
	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		assert_true(len + pkt->span[i].len <= FRAME_LEN);
		memcpy(to + len, pkt->span[i].data, pkt->span[i].len);
		len += pkt->span[i].len;
	}
	csum = (uint16_t)~ip_sum_fold(ip_sum(to + pkt->l4_off, len - pkt->l4_off, 0));
	memcpy(to + pkt->csum_off, &csum, sizeof(csum));
	return len;
}

static void
send_all(struct end *from, struct end *to)
{
	struct pkt_out pkts[16];
	uint16_t cnt;

	do {
		cnt = tcp_output(from->stack, pkts, ARRAY_CNT(pkts), wire_us + from->clock_us);
		for (uint16_t i = 0; i < cnt; i++) {
			uint32_t place = (frame_first + frame_cnt) % FRAMES_MAX;

			if (random_below(1000000) < loss_ppm)
				continue;
			assert_true(frame_cnt < FRAMES_MAX);
			frames[place].at_us = wire_us + DELAY_US;
			frames[place].to = to;
			frames[place].len = frame_make(frames[place].data, &pkts[i]);
			frame_cnt++;
		}
	} while (cnt > 0);
}

static void
arrive(struct frame *frame)
{
	struct end *end = frame->to;
	struct pkt_in pkt = {.data = frame->data, .len = frame->len};
	struct ip_seg seg;
	uint32_t reply_len, events;
	struct tcb *tcb;

	assert_int_equal(ip_input(&end->local, &end->ctr, &pkt, &seg, &reply_len), IP_TCP);
	tcb = tcp_input(end->stack, &seg, wire_us + end->clock_us, &events);
	take_events(end, tcb, events);
}

static void
run_timers(struct end *end)
{
	struct tcp_note notes[4];
	uint32_t cnt = tcp_timers(end->stack, wire_us + end->clock_us, notes, ARRAY_CNT(notes));

	for (uint32_t i = 0; i < cnt; i++)
		take_events(end, notes[i].tcb, notes[i].events);
}

static uint64_t
end_next_us(const struct end *end)
{
	uint64_t next_us = tcp_next_us(end->stack);

	return next_us == UINT64_MAX ? next_us : next_us - MIN(next_us, end->clock_us);
}

/* step goes on to the next thing that happens. */
static void
step(void)
{
	uint64_t next_us = MIN(end_next_us(&a), end_next_us(&b));

	if (frame_cnt > 0)
		next_us = MIN(next_us, frames[frame_first].at_us);
	assert_true(next_us != UINT64_MAX);
	wire_us = MAX(next_us, wire_us + 1);
	while (frame_cnt > 0 && frames[frame_first].at_us <= wire_us) {
		arrive(&frames[frame_first]);
		frame_first = (frame_first + 1) % FRAMES_MAX;
		frame_cnt--;
	}
	run_timers(&a);
	run_timers(&b);
	feed(&a);
	feed(&b);
	send_all(&a, &b);
	send_all(&b, &a);
}

/* ---- scenarios */

static void
begin(void **state, uint64_t seed, uint32_t loss)
{
	const struct lab_variant *variant = *state;

	for (uint32_t i = 0; i < sizeof(content); i++)
		content[i] = lab_byte(i % PERIOD);
	wire_us = 1;
	random_state = seed;
	loss_ppm = loss;
	frame_first = 0;
	frame_cnt = 0;
	end_init(&a, 1, variant->ours);
	end_init(&b, 2, variant->theirs);
}

static void
a_connects(void)
{
	struct tcp_remote remote = remote_of(&a, &b);

	a.tcb = tcp_connect(a.stack, &remote, wire_us + a.clock_us);
	assert_non_null(a.tcb);
}

static void
b_connects(void)
{
	struct tcp_remote remote = remote_of(&b, &a);

	b.tcb = tcp_connect(b.stack, &remote, wire_us + b.clock_us);
	assert_non_null(b.tcb);
}

/* expect_all runs until both ends are closed, each having had all that the other sent. */
static void
expect_all(uint64_t limit_us)
{
	uint64_t closed;

	send_all(&a, &b);
	send_all(&b, &a);
	while (!(a.events & b.events & TCP_EV_CLOSED)) {
		step();
		assert_true(wire_us < limit_us);
	}
	assert_int_equal(a.got, b.to_send);
	assert_int_equal(b.got, a.to_send);
	assert_true(a.events & b.events & TCP_EV_FIN);
	closed = a.ctr.value[CTR_tcp_closed] + b.ctr.value[CTR_tcp_closed];
	/* a last FIN may find that the other has waited for it long enough */
	assert_true(closed == 2 || (closed == 1 && wire_us > TCP_TIME_WAIT_US));
	assert_int_equal(a.ctr.value[CTR_tcp_connections] + b.ctr.value[CTR_tcp_connections], 0);
	tcp_destroy(a.stack);
	tcp_destroy(b.stack);
}

static void
one_opens_and_one_listens(void **state)
{
	begin(state, 1, 0);
	assert_int_equal(tcp_listen(b.stack, PORT_B), 0);
	a.to_send = 100 * 1000;
	b.to_send = 3 * 1000 * 1000;
	a_connects();
	expect_all(10 * 1000 * 1000);
	assert_int_equal(a.ctr.value[CTR_tcp_connected], 1);
	assert_int_equal(b.ctr.value[CTR_tcp_accepted], 1);
	assert_int_equal(a.ctr.value[CTR_tcp_bad_ack] + b.ctr.value[CTR_tcp_bad_ack], 0);
}

static void
one_opens_and_one_listens_with_loss(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		begin(state, seed, 20 * 1000);
		assert_int_equal(tcp_listen(b.stack, PORT_B), 0);
		a.to_send = 500 * 1000;
		b.to_send = 500 * 1000;
		a_connects();
		expect_all(200ull * 1000 * 1000);
	}
}

/* little data: what is lost is of the handshake and of the end */
static void
handshakes_and_ends_survive_loss(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		begin(state, seed, 150 * 1000);
		assert_int_equal(tcp_listen(b.stack, PORT_B), 0);
		a.to_send = (uint32_t)(seed % 3) * 3000;
		b.to_send = (uint32_t)(seed % 5) * 2000;
		a_connects();
		expect_all(400ull * 1000 * 1000);
	}
}

static void
both_open_at_once(void **state)
{
	begin(state, 1, 0);
	a.to_send = 200 * 1000;
	b.to_send = 300 * 1000;
	a_connects();
	b_connects();
	expect_all(10 * 1000 * 1000);
	assert_int_equal(a.ctr.value[CTR_tcp_connected], 1);
	assert_int_equal(b.ctr.value[CTR_tcp_connected], 1);
	assert_int_equal(a.ctr.value[CTR_tcp_retransmits], 0);
}

/* a SYN that was lost meets no listener on the other side: the other's SYN crosses later */
static void
both_open_with_loss(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		begin(state, seed, 150 * 1000);
		a.to_send = (uint32_t)(seed % 4) * 5000;
		b.to_send = 10 * 1000;
		a_connects();
		b_connects();
		expect_all(400ull * 1000 * 1000);
	}
}

static void
nobody_listens(void **state)
{
	begin(state, 1, 0);
	a_connects();
	send_all(&a, &b);
	step();
	step();
	assert_int_equal(a.events, TCP_EV_CLOSED);
	assert_int_equal(a.ctr.value[CTR_tcp_resets_in], 1);
	assert_int_equal(wire_us, 1 + 2 * DELAY_US);
	tcp_destroy(a.stack);
	tcp_destroy(b.stack);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(one_opens_and_one_listens),
		LAB_TEST(one_opens_and_one_listens_with_loss),
		LAB_TEST(handshakes_and_ends_survive_loss),
		LAB_TEST(both_open_at_once),
		LAB_TEST(both_open_with_loss),
		LAB_TEST(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
