/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The active open: RFC 9293 3.10.1, 3.10.7.3 (SYN-SENT), 3.5 (both ends at once), 5961 3.2, 6298
 * (retransmission), 7323 and 2018 (options), 1122 4.2.3.9 (ICMP). */
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

/* open_begin connects to the peer, from the port that gives our ISN the variant's value, and
 * returns our SYN. */
static struct lab_seg
open_begin(void **state)
{
	struct tcp_remote remote = {
		.addr_be = htonl(0x0a000002), .port = 40000, .local_port = LAB_PORT,
		.mac = {2, 0, 0, 0, 0, 2},
	};

	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.nxt = peer.iss + 1;
	peer.tcb = tcp_connect(lab.stack, &remote, lab.now_us);
	assert_non_null(peer.tcb);
	assert_null(tcp_user(peer.tcb));
	tcp_set_user(peer.tcb, &peer);
	lab_check(&lab);
	assert_int_equal(lab_flush(&lab), 1);
	peer.rcv = lab_only(&lab)->seq + 1;
	return *lab_only(&lab);
}

/* answer sends a segment of the peer's first number. */
static uint32_t
answer(uint8_t flags, uint32_t ack)
{
	struct lab_seg seg = {.flags = flags, .seq = peer.iss, .ack = ack, .wnd = peer.wnd};

	if (flags & TCP_SYN) {
		seg.opt = peer.syn;
		seg.opt.tsval = peer.tsval;
	}
	return lab_input(&peer, &seg);
}

/* opened_works sends and receives, and ends. */
static void
opened_works(void)
{
	peer.ts = peer.tcb->ts_ok;
	lab_events(&peer);
	lab_queue(&peer, 20000, 16384);
	for (uint32_t i = 0; i < 20 && tcb_queued(peer.tcb) > 0; i++) {
		lab_flush(&lab);
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	}
	assert_int_equal(peer.tcb->acked_bytes, 20000);
	lab_data(&peer, 1000, TCP_PSH);
	assert_int_equal(peer.read, 1000);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN | TCP_EV_CLOSED);
	lab_flush(&lab);
	lab_fini(&lab);
}

static void
the_syn_offers_everything(void **state)
{
	struct lab_seg syn = open_begin(state);

	assert_int_equal(syn.flags, TCP_SYN);
	assert_int_equal(syn.seq, lab.variant.ours);
	assert_int_equal(syn.ack, 0);
	assert_int_equal(syn.len, 0);
	assert_int_equal(syn.wnd, 65535);                      /* RFC 7323 2.2 */
	assert_int_equal(syn.opt.mss, 1460);
	assert_true(syn.opt.has_wscale && syn.opt.sack_permitted && syn.opt.has_ts);
	assert_int_equal(syn.opt.wscale, tcp_offered_wscale(lab.stack));
	assert_int_equal(syn.opt.tsecr, 0);
	assert_int_equal(peer.tcb->state, TCP_SYN_SENT);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 1);
	lab_fini(&lab);
}

static void
a_syn_ack_opens(void **state)
{
	open_begin(state);
	lab.now_us += 30 * 1000;
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), TCP_EV_OPEN);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	assert_int_equal(peer.tcb->snd_wnd, 65535);            /* RFC 7323 2.2: not scaled */
	assert_int_equal(peer.tcb->srtt_us, 30 * 1000);
	assert_int_equal(peer.tcb->mss, 1448);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, 10 * 1448);
	assert_int_equal(lab.ctr.value[CTR_tcp_connected], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_accepted], 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv);
	assert_int_equal(lab_only(&lab)->ack, peer.iss + 1);
	assert_true(lab_only(&lab)->opt.has_ts);
	assert_int_equal(lab_only(&lab)->opt.tsecr, peer.tsval);
	opened_works();
}

/* what the peer does not offer is not used */
static void
a_bare_syn_ack_opens(void **state)
{
	open_begin(state);
	peer.syn = (struct tcp_options){0};
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), TCP_EV_OPEN);
	assert_false(peer.tcb->ts_ok || peer.tcb->sack_ok);
	assert_int_equal(peer.tcb->rcv_wscale, 0);
	assert_int_equal(peer.tcb->snd_wscale, 0);
	assert_int_equal(peer.tcb->mss, TCP_MSS_DEFAULT);
	lab_flush(&lab);
	assert_false(lab_only(&lab)->opt.has_ts);
	assert_int_equal(lab_only(&lab)->wnd, 65535);
	opened_works();
}

/* 3.10.7.3, first: an ACK of what was not sent is reset, with or without SYN */
static void
a_wrong_ack_is_reset(void **state)
{
	static const uint8_t flags[] = {TCP_ACK, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK};
	static const int32_t off[] = {-1, 1, 1000, INT32_MIN};

	open_begin(state);
	for (uint32_t i = 0; i < ARRAY_CNT(flags) * ARRAY_CNT(off); i++) {
		uint32_t ack = peer.rcv + (uint32_t)off[i % ARRAY_CNT(off)];

		assert_int_equal(answer(flags[i / ARRAY_CNT(off)], ack), 0);
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->flags, TCP_RST);
		assert_int_equal(lab_only(&lab)->seq, ack);
		assert_int_equal(lab.ctr.value[CTR_tcp_bad_ack], i + 1);
		assert_int_equal(peer.tcb->state, TCP_SYN_SENT);
	}
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), TCP_EV_OPEN);
	lab_flush(&lab);
	opened_works();
}

/* second: a reset counts only with the right ACK, and is never answered */
static void
a_reset_needs_the_right_ack(void **state)
{
	open_begin(state);
	assert_int_equal(answer(TCP_RST, 0), 0);
	assert_int_equal(answer(TCP_RST | TCP_ACK, peer.rcv - 1), 0);
	assert_int_equal(answer(TCP_RST | TCP_ACK, peer.rcv + 1), 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_reset], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_ack], 2);
	assert_int_equal(peer.tcb->state, TCP_SYN_SENT);
	assert_int_equal(answer(TCP_RST | TCP_ACK, peer.rcv), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_resets_in], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
	assert_int_equal(lab_flush(&lab), 0);
	lab_fini(&lab);
}

/* fifth: neither SYN nor RST, the ACK being right: dropped without an answer */
static void
no_syn_is_dropped(void **state)
{
	open_begin(state);
	assert_int_equal(answer(TCP_ACK, peer.rcv), 0);
	assert_int_equal(answer(TCP_FIN | TCP_ACK, peer.rcv), 0);
	assert_int_equal(answer(0, 0), 0);
	assert_int_equal(answer(TCP_SYN | TCP_FIN, 0), 0);
	assert_int_equal(answer(TCP_SYN | TCP_RST, 0), 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_flags], 5);
	assert_int_equal(peer.tcb->state, TCP_SYN_SENT);
	lab_fini(&lab);
}

/* fourth: what comes beside the SYN-ACK is taken as the rest of any segment */
static void
data_on_the_syn_ack_is_read(void **state)
{
	struct lab_seg seg = {.flags = TCP_SYN | TCP_ACK, .wnd = 65535, .len = 100};
	uint8_t data[100];

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = lab_byte(i);
	open_begin(state);
	seg.seq = peer.iss;
	seg.ack = peer.rcv;
	seg.opt = peer.syn;
	seg.opt.tsval = peer.tsval;
	seg.data = data;
	peer.lazy = true;
	assert_int_equal(lab_input(&peer, &seg), TCP_EV_OPEN | TCP_EV_READ);
	peer.lazy = false;
	for (const uint8_t *at; (seg.len = tcp_read(lab.stack, peer.tcb, &at)) > 0;) {
		assert_memory_equal(at, data + peer.read, seg.len);
		peer.read += seg.len;
	}
	assert_int_equal(peer.read, 100);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.iss + 101);
	lab_fini(&lab);
}

/* a SYN-ACK that arrives again is acknowledged again: ours was lost */
static void
a_repeated_syn_ack_is_acknowledged(void **state)
{
	open_begin(state);
	answer(TCP_SYN | TCP_ACK, peer.rcv);
	lab_flush(&lab);
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
	assert_int_equal(lab_only(&lab)->ack, peer.iss + 1);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	opened_works();
}

/* 3.5, figure 7: SYNs cross, then SYN-ACKs */
static void
both_open_at_once(void **state)
{
	open_begin(state);
	assert_int_equal(answer(TCP_SYN, 0), 0);
	assert_int_equal(peer.tcb->state, TCP_SYN_RECEIVED);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_SYN | TCP_ACK);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv - 1);
	assert_int_equal(lab_only(&lab)->ack, peer.iss + 1);
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), TCP_EV_OPEN);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	assert_int_equal(lab.ctr.value[CTR_tcp_connected], 1);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);      /* and no SYN-ACK: it would go on */
	opened_works();
}

/* the same when the peer sees our SYN-ACK first and answers it with an ACK */
static void
both_open_and_an_ack_completes(void **state)
{
	open_begin(state);
	answer(TCP_SYN, 0);
	lab_flush(&lab);
	peer.ts = true;
	assert_int_equal(lab_ack(&peer, peer.rcv, NULL, 0), TCP_EV_OPEN);
	assert_int_equal(peer.tcb->snd_wnd, 65535u << 7);
	lab_flush(&lab);
	opened_works();
}

/* the peer's owner hears of a reset after SYNs have crossed */
static void
a_reset_ends_a_crossed_open(void **state)
{
	struct lab_seg rst = {.flags = TCP_RST};

	open_begin(state);
	answer(TCP_SYN, 0);
	lab_flush(&lab);
	rst.seq = peer.iss + 1;
	assert_int_equal(lab_input(&peer, &rst), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
	lab_fini(&lab);
}

/* RFC 1122 4.2.3.9, 5927 4.1: refused by ICMP about our SYN, and about nothing else */
static void
a_port_unreachable_refuses(void **state)
{
	uint32_t events;
	struct ip_icmp err = {
		.local_be = htonl(0x0a000001), .remote_be = htonl(0x0a000002),
		.local_port = LAB_PORT, .remote_port = 40000, .quoted_len = 60,
		.type = IP_ICMP_UNREACHABLE, .code = IP_ICMP_PORT,
	};

	open_begin(state);
	err.seq = peer.rcv;
	assert_null(tcp_icmp(lab.stack, &err, lab.now_us, &events));
	assert_int_equal(peer.tcb->state, TCP_SYN_SENT);
	err.seq = peer.rcv - 1;
	assert_ptr_equal(tcp_icmp(lab.stack, &err, lab.now_us, &events), peer.tcb);
	assert_int_equal(events, TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
	lab_fini(&lab);
}

/* RFC 6298 2.1, 5.5: one second, doubled */
static void
the_syn_is_sent_again_and_given_up(void **state)
{
	uint64_t interval_us = TCP_RTO_INITIAL_US;
	struct lab_seg syn = open_begin(state);

	for (uint32_t i = 0; i < TCP_SYN_RETRIES_MAX; i++) {
		assert_int_equal(lab_wait(&lab, interval_us - 1000), 0);
		assert_int_equal(lab_wait(&lab, 2000), 1);
		assert_int_equal(lab_only(&lab)->flags, TCP_SYN);
		assert_int_equal(lab_only(&lab)->seq, syn.seq);
		assert_true(lab_only(&lab)->opt.has_wscale && lab_only(&lab)->opt.sack_permitted);
		lab.now_us -= 1000;                            /* count from when it left */
		lab.stack->now_us -= 1000;
		interval_us *= 2;
	}
	assert_int_equal(lab_events(&peer), 0);
	lab_wait(&lab, interval_us + 2000);
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_timeouts], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
	lab_fini(&lab);
}

/* RFC 5681 3.1, 6298 5.7: a lost SYN costs the initial window and sets the timeout to 3 s */
static void
a_syn_ack_after_a_loss_opens(void **state)
{
	open_begin(state);
	assert_int_equal(lab_wait(&lab, TCP_RTO_INITIAL_US + 1000), 1);
	assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), TCP_EV_OPEN);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, peer.tcb->mss);
	assert_int_equal(peer.tcb->rto_us, 3 * TCP_RTO_INITIAL_US);
	assert_int_equal(peer.tcb->srtt_us, 0);
	lab_flush(&lab);
	opened_works();
}

/* 3.10.5: the peer knows nothing of it; 3.10.4 */
static void
what_is_not_open_is_abandoned_silently(void **state)
{
	for (uint32_t round = 0; round < 2; round++) {
		open_begin(state);
		if (round == 0)
			tcp_abort(lab.stack, peer.tcb);
		else
			tcp_close(lab.stack, peer.tcb, lab.now_us);
		assert_int_equal(lab_wait(&lab, 60 * 1000 * 1000), 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
		assert_int_equal(lab.ctr.value[CTR_tcp_aborted], 1);
		assert_int_equal(answer(TCP_SYN | TCP_ACK, peer.rcv), 0);
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->flags, TCP_RST);      /* 3.10.7.2 */
		lab_fini(&lab);
	}
}

/* after SYNs have crossed the peer knows of it */
static void
a_crossed_open_is_abandoned_with_a_reset(void **state)
{
	open_begin(state);
	answer(TCP_SYN, 0);
	lab_flush(&lab);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
	assert_true(lab_only(&lab)->flags & TCP_RST);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv);
	assert_int_equal(lab.ctr.value[CTR_tcp_connections], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_half_open], 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(the_syn_offers_everything),
		LAB_TEST(a_syn_ack_opens),
		LAB_TEST(a_bare_syn_ack_opens),
		LAB_TEST(a_wrong_ack_is_reset),
		LAB_TEST(a_reset_needs_the_right_ack),
		LAB_TEST(no_syn_is_dropped),
		LAB_TEST(data_on_the_syn_ack_is_read),
		LAB_TEST(a_repeated_syn_ack_is_acknowledged),
		LAB_TEST(both_open_at_once),
		LAB_TEST(both_open_and_an_ack_completes),
		LAB_TEST(a_reset_ends_a_crossed_open),
		LAB_TEST(a_port_unreachable_refuses),
		LAB_TEST(the_syn_is_sent_again_and_given_up),
		LAB_TEST(a_syn_ack_after_a_loss_opens),
		LAB_TEST(what_is_not_open_is_abandoned_silently),
		LAB_TEST(a_crossed_open_is_abandoned_with_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
