/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One test for each (state, event) cell of RFC 9293 3.10: a connection is brought into the state,
 * the segment or call is made, and the answer that leaves, what is counted and the state that
 * follows are those of the table below. */
#include "dataplane/tcp/states.h"
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

/* what arrives, all at the number that is expected unless said */
enum event {
	NOTHING,       /* no flag */
	ACK_ALL,       /* of all that we sent */
	ACK_OLD,       /* of nothing new */
	ACK_AHEAD,     /* of what we did not send */
	DATA,          /* ten bytes */
	FIN,
	SYN,
	SYN_ACK,
	RST,
	RST_BESIDE,    /* one beyond the expected number */
	FIN_ALONE,
	SYN_FIN,
	SYN_RST,
	EVENT_CNT
};

static const uint8_t flags_of[EVENT_CNT] = {
	[NOTHING] = 0, [ACK_ALL] = TCP_ACK, [ACK_OLD] = TCP_ACK, [ACK_AHEAD] = TCP_ACK,
	[DATA] = TCP_ACK | TCP_PSH, [FIN] = TCP_ACK | TCP_FIN, [SYN] = TCP_SYN,
	[SYN_ACK] = TCP_SYN | TCP_ACK, [RST] = TCP_RST, [RST_BESIDE] = TCP_RST,
	[FIN_ALONE] = TCP_FIN, [SYN_FIN] = TCP_SYN | TCP_FIN, [SYN_RST] = TCP_SYN | TCP_RST,
};

/* ---- into a state */

static void
open_half(void)
{
	struct lab_seg syn = {.flags = TCP_SYN, .seq = peer.iss, .wnd = peer.wnd, .opt = peer.syn};

	syn.opt.tsval = peer.tsval;
	lab_input(&peer, &syn);
	lab_flush(&lab);
	peer.rcv = lab_only(&lab)->seq + 1;
	peer.nxt = peer.iss + 1;
	peer.ts = true;
}

static void
open_actively(void)
{
	struct tcp_remote remote = {
		.addr_be = htonl(0x0a000002), .port = 40000, .local_port = LAB_PORT,
	};

	peer.tcb = tcp_connect(lab.stack, &remote, lab.now_us);
	tcp_set_user(peer.tcb, &peer);
	lab_flush(&lab);
	peer.rcv = lab_only(&lab)->seq + 1;
	peer.nxt = peer.iss;
}

static void
close_ours(void)
{
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
}

static void
close_theirs(void)
{
	lab_data(&peer, 0, TCP_FIN);
	lab_flush(&lab);
}

static void
into(void **state, enum tcp_state which)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.nxt = peer.iss;
	if (which == TCP_SYN_SENT)
		open_actively();
	else if (which == TCP_SYN_RECEIVED)
		open_half();
	else if (which > TCP_SYN_RECEIVED)
		lab_connect(&peer);
	if (which == TCP_CLOSE_WAIT || which == TCP_LAST_ACK)
		close_theirs();
	if (which > TCP_ESTABLISHED && which != TCP_CLOSE_WAIT)
		close_ours();
	if (which == TCP_FIN_WAIT_2 || which == TCP_TIME_WAIT)
		lab_ack(&peer, peer.rcv + 1, NULL, 0);
	if (which == TCP_CLOSING || which == TCP_TIME_WAIT)
		close_theirs();
	lab_flush(&lab);
	lab.now_us += 1000;
}

/* state_now looks for the connection. */
static enum tcp_state
state_now(void)
{
	struct flow_key key = {htonl(0x0a000002), htonl(0x0a000001), 40000, LAB_PORT};
	const struct flow *flow = table_find(&lab.stack->table, &key);

	if (flow == NULL)
		return TCP_CLOSED;
	if (flow->kind == FLOW_TIME_WAIT)
		return TCP_TIME_WAIT;
	return CONTAINER_OF(flow, struct tcb, flow)->state;
}

/* ---- what is done, and what is expected of it */

/* struct cell is an outcome. */
struct cell {
	uint8_t answer;        /* flags of the one packet that leaves; 0: none */
	uint16_t counter;      /* enum counter that moves by one, 0: none of a drop */
	uint8_t next;          /* enum tcp_state */
};

static void
do_event(enum tcp_state which, enum event event)
{
	uint32_t sent = which == TCP_SYN_SENT || which == TCP_SYN_RECEIVED ? peer.rcv : peer.rcv +
	                (which == TCP_FIN_WAIT_1 || which == TCP_CLOSING || which == TCP_LAST_ACK);
	uint32_t old = which == TCP_SYN_SENT || which == TCP_SYN_RECEIVED ? sent - 1 : peer.rcv;
	uint8_t data[10] = {0};
	struct lab_seg seg = {
		.flags = flags_of[event], .seq = peer.nxt + (event == RST_BESIDE), .wnd = peer.wnd,
		.ack = event == ACK_OLD || event == FIN || event == DATA ? old : sent,
		.data = data, .len = event == DATA ? sizeof(data) : 0,
		.dst_port = which == TCP_CLOSED ? 80 : 0,
	};

	if (event == ACK_AHEAD)
		seg.ack = sent + 1;
	if (which == TCP_SYN_RECEIVED && (event == FIN || event == DATA))
		seg.ack = sent;
	if ((seg.flags & TCP_ACK) == 0)
		seg.ack = 0;
	if ((seg.flags & TCP_SYN) && which <= TCP_SYN_SENT) {
		seg.opt = peer.syn;
		seg.opt.tsval = peer.tsval;
	}
	peer.any_content = true;
	lab_input(&peer, &seg);
	lab_flush(&lab);
}

#define NONE(next)             {0, 0, TCP_##next}
#define DROP(counter, next)    {0, CTR_tcp_##counter, TCP_##next}
#define ANSWER(flags, counter, next) {flags, CTR_tcp_##counter, TCP_##next}
#define RESET(counter, next)   ANSWER(TCP_RST, counter, next)
#define RESET_ACK(counter, next) ANSWER(TCP_RST | TCP_ACK, counter, next)
#define CHALLENGE(counter, next) ANSWER(TCP_ACK, counter, next)
#define SYNACK(next)           {TCP_SYN | TCP_ACK, 0, TCP_##next}
#define ACKED(next)            {TCP_ACK, 0, TCP_##next}

/* clang-format off */

/* the events that are alike in every state in which both sides have synchronised */
#define SYNCHRONISED(state)                                   \
	[NOTHING]    = DROP(bad_flags, state),                \
	[SYN]        = CHALLENGE(bad_flags, state),           \
	[SYN_ACK]    = CHALLENGE(bad_flags, state),           \
	[RST]        = DROP(resets_in, CLOSED),               \
	[RST_BESIDE] = CHALLENGE(bad_reset, state),           \
	[FIN_ALONE]  = DROP(bad_flags, state),                \
	[SYN_FIN]    = DROP(bad_flags, state),                \
	[SYN_RST]    = DROP(bad_flags, state)

/* and in those in which we have heard of it */
#define ALIKE(state)                                          \
	SYNCHRONISED(state),                                  \
	[ACK_OLD]    = NONE(state),                           \
	[ACK_AHEAD]  = CHALLENGE(bad_ack, state)

static const struct cell cells[TCP_STATE_CNT][EVENT_CNT] = {
	[TCP_CLOSED] = {                                      /* 3.10.7.1 */
		[NOTHING]    = RESET_ACK(not_listening, CLOSED),
		[ACK_ALL]    = RESET(not_listening, CLOSED),
		[ACK_OLD]    = RESET(not_listening, CLOSED),
		[ACK_AHEAD]  = RESET(not_listening, CLOSED),
		[DATA]       = RESET(not_listening, CLOSED),
		[FIN]        = RESET(not_listening, CLOSED),
		[SYN]        = RESET_ACK(not_listening, CLOSED),
		[SYN_ACK]    = RESET(not_listening, CLOSED),
		[RST]        = DROP(not_listening, CLOSED),
		[RST_BESIDE] = DROP(not_listening, CLOSED),
		[FIN_ALONE]  = DROP(bad_flags, CLOSED),
		[SYN_FIN]    = DROP(bad_flags, CLOSED),
		[SYN_RST]    = DROP(bad_flags, CLOSED),
	},
	[TCP_LISTEN] = {                                      /* 3.10.7.2 */
		[NOTHING]    = DROP(bad_flags, CLOSED),
		[ACK_ALL]    = RESET(no_connection, CLOSED),
		[ACK_OLD]    = RESET(no_connection, CLOSED),
		[ACK_AHEAD]  = RESET(no_connection, CLOSED),
		[DATA]       = RESET(no_connection, CLOSED),
		[FIN]        = RESET(no_connection, CLOSED),
		[SYN]        = SYNACK(SYN_RECEIVED),
		[SYN_ACK]    = RESET(no_connection, CLOSED),
		[RST]        = DROP(bad_reset, CLOSED),
		[RST_BESIDE] = DROP(bad_reset, CLOSED),
		[FIN_ALONE]  = DROP(bad_flags, CLOSED),
		[SYN_FIN]    = DROP(bad_flags, CLOSED),
		[SYN_RST]    = DROP(bad_flags, CLOSED),
	},
	[TCP_SYN_SENT] = {                                    /* 3.10.7.3 */
		[NOTHING]    = DROP(bad_flags, SYN_SENT),
		[ACK_ALL]    = DROP(bad_flags, SYN_SENT),
		[ACK_OLD]    = RESET(bad_ack, SYN_SENT),
		[ACK_AHEAD]  = RESET(bad_ack, SYN_SENT),
		[DATA]       = RESET(bad_ack, SYN_SENT),
		[FIN]        = RESET(bad_ack, SYN_SENT),
		[SYN]        = SYNACK(SYN_RECEIVED),
		[SYN_ACK]    = ACKED(ESTABLISHED),
		[RST]        = DROP(bad_reset, SYN_SENT),
		[RST_BESIDE] = DROP(bad_reset, SYN_SENT),
		[FIN_ALONE]  = DROP(bad_flags, SYN_SENT),
		[SYN_FIN]    = DROP(bad_flags, SYN_SENT),
		[SYN_RST]    = DROP(bad_flags, SYN_SENT),
	},
	[TCP_SYN_RECEIVED] = {                                /* 3.10.7.4, from here on */
		SYNCHRONISED(SYN_RECEIVED),
		[ACK_ALL]    = NONE(ESTABLISHED),
		[ACK_OLD]    = RESET(bad_ack, SYN_RECEIVED),
		[ACK_AHEAD]  = RESET(bad_ack, SYN_RECEIVED),
		[DATA]       = NONE(ESTABLISHED),
		[FIN]        = ACKED(CLOSE_WAIT),
	},
	[TCP_ESTABLISHED] = {
		ALIKE(ESTABLISHED),
		[ACK_ALL]    = NONE(ESTABLISHED),
		[DATA]       = NONE(ESTABLISHED),
		[FIN]        = ACKED(CLOSE_WAIT),
	},
	[TCP_FIN_WAIT_1] = {
		ALIKE(FIN_WAIT_1),
		[ACK_ALL]    = NONE(FIN_WAIT_2),
		[DATA]       = ANSWER(TCP_ACK, after_close, FIN_WAIT_1),
		[FIN]        = ACKED(CLOSING),
	},
	[TCP_FIN_WAIT_2] = {
		ALIKE(FIN_WAIT_2),
		[ACK_ALL]    = NONE(FIN_WAIT_2),
		[DATA]       = ANSWER(TCP_ACK, after_close, FIN_WAIT_2),
		[FIN]        = ANSWER(TCP_ACK, closed, TIME_WAIT),
	},
	[TCP_CLOSE_WAIT] = {
		ALIKE(CLOSE_WAIT),
		[ACK_ALL]    = NONE(CLOSE_WAIT),
		[DATA]       = ANSWER(TCP_ACK, after_close, CLOSE_WAIT),
		[FIN]        = NONE(CLOSE_WAIT),
	},
	[TCP_CLOSING] = {
		ALIKE(CLOSING),
		[ACK_ALL]    = DROP(closed, TIME_WAIT),
		[DATA]       = ANSWER(TCP_ACK, after_close, CLOSING),
		[FIN]        = NONE(CLOSING),
	},
	[TCP_LAST_ACK] = {
		ALIKE(LAST_ACK),
		[ACK_ALL]    = DROP(closed, CLOSED),
		[DATA]       = ANSWER(TCP_ACK, after_close, LAST_ACK),
		[FIN]        = NONE(LAST_ACK),
	},
	[TCP_TIME_WAIT] = {                                   /* RFC 1337; 6191; 5961 4 */
		[NOTHING]    = DROP(bad_flags, TIME_WAIT),
		[ACK_ALL]    = DROP(in_time_wait, TIME_WAIT),
		[ACK_OLD]    = DROP(in_time_wait, TIME_WAIT),
		[ACK_AHEAD]  = DROP(in_time_wait, TIME_WAIT),
		[DATA]       = CHALLENGE(in_time_wait, TIME_WAIT),
		[FIN]        = CHALLENGE(in_time_wait, TIME_WAIT),
		[SYN]        = SYNACK(SYN_RECEIVED),
		[SYN_ACK]    = CHALLENGE(in_time_wait, TIME_WAIT),
		[RST]        = DROP(bad_reset, TIME_WAIT),
		[RST_BESIDE] = DROP(bad_reset, TIME_WAIT),
		[FIN_ALONE]  = DROP(bad_flags, TIME_WAIT),
		[SYN_FIN]    = DROP(bad_flags, TIME_WAIT),
		[SYN_RST]    = DROP(bad_flags, TIME_WAIT),
	},
};
/* clang-format on */

/* drops returns the counter of dropped segments or ended connections that has moved since, 0 when
 * none has; more than one fail. */
static uint32_t
drops(const struct counters *before)
{
	static const uint16_t watched[] = {
		CTR_tcp_closed, CTR_tcp_resets_in, CTR_tcp_not_listening, CTR_tcp_no_connection,
		CTR_tcp_bad_flags, CTR_tcp_out_of_window, CTR_tcp_paws, CTR_tcp_no_timestamp,
		CTR_tcp_bad_ack, CTR_tcp_bad_reset, CTR_tcp_old_data, CTR_tcp_after_close,
		CTR_tcp_in_time_wait, CTR_tcp_table_full, CTR_tcp_source_full, CTR_tcp_cookies_bad,
		CTR_tcp_bad_header, CTR_tcp_bad_options, CTR_tcp_bad_checksum, CTR_tcp_timeouts,
	};
	uint32_t moved = 0;

	for (uint32_t i = 0; i < ARRAY_CNT(watched); i++) {
		if (lab.ctr.value[watched[i]] == before->value[watched[i]])
			continue;
		assert_int_equal(moved, 0);
		moved = watched[i];
	}
	return moved;
}

static void
each_segment_in_each_state(void **state)
{
	for (uint32_t which = 0; which < TCP_STATE_CNT; which++) {
		for (uint32_t event = 0; event < EVENT_CNT; event++) {
			const struct cell *cell = &cells[which][event];
			struct counters before;

			into(state, which);
			assert_int_equal(state_now(), which == TCP_LISTEN ? TCP_CLOSED : which);
			before = lab.ctr;
			do_event(which, event);
			assert_int_equal(lab.out_cnt, cell->answer != 0);
			if (cell->answer != 0)
				assert_int_equal(lab.out[0].seg.flags, cell->answer);
			assert_int_equal(drops(&before), cell->counter);
			assert_int_equal(state_now(), cell->next);
			lab_fini(&lab);
		}
	}
}

/* ---- calls */

static void
call(enum tcp_happening happening)
{
	struct frag frag = {.inline_len = 1, .bytes = {lab_byte(0)}};

	switch (happening) {
	case TCP_CALL_SEND:
		tcp_send(lab.stack, peer.tcb, &frag, 1);
		peer.queued++;
		break;
	case TCP_CALL_SHUTDOWN:
		tcp_shutdown(lab.stack, peer.tcb, lab.now_us);
		break;
	case TCP_CALL_CLOSE:
		tcp_close(lab.stack, peer.tcb, lab.now_us);
		break;
	default:
		tcp_abort(lab.stack, peer.tcb);
		break;
	}
}

/* refused tells whether a call stops the program: a mistake of its owner. */
static bool
refused(enum tcp_happening happening)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		call(happening);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* allowed makes a call that is answered by one segment with these flags, 0: by none. */
static void
allowed(enum tcp_happening happening, uint8_t answer, enum tcp_state next)
{
	call(happening);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, answer != 0);
	if (answer != 0)
		assert_int_equal(lab.out[0].seg.flags, answer);
	assert_int_equal(state_now(), next);
}

enum {
	PSH_ACK = TCP_PSH | TCP_ACK,
	FIN_ACK = TCP_FIN | TCP_ACK,
	RST_ACK = TCP_RST | TCP_ACK,
	REFUSED = 0xff,
};

/* what a call is answered by, and the state after it */
static const struct {
	enum tcp_state from;
	struct {
		uint8_t answer;
		uint8_t next;
	} to[4];
} rows[] = {
	/* send, shutdown, close, abort */
	{TCP_SYN_SENT, {{REFUSED, 0}, {REFUSED, 0}, {0, TCP_CLOSED}, {0, TCP_CLOSED}}},
	{TCP_ESTABLISHED, {{PSH_ACK, TCP_ESTABLISHED}, {FIN_ACK, TCP_FIN_WAIT_1},
	                   {FIN_ACK, TCP_FIN_WAIT_1}, {RST_ACK, TCP_CLOSED}}},
	{TCP_FIN_WAIT_1, {{REFUSED, 0}, {0, TCP_FIN_WAIT_1}, {0, TCP_FIN_WAIT_1},
	                  {RST_ACK, TCP_CLOSED}}},
	{TCP_FIN_WAIT_2, {{REFUSED, 0}, {0, TCP_FIN_WAIT_2}, {0, TCP_FIN_WAIT_2},
	                  {RST_ACK, TCP_CLOSED}}},
	{TCP_CLOSE_WAIT, {{PSH_ACK, TCP_CLOSE_WAIT}, {FIN_ACK, TCP_LAST_ACK},
	                  {FIN_ACK, TCP_LAST_ACK}, {RST_ACK, TCP_CLOSED}}},
	{TCP_CLOSING, {{REFUSED, 0}, {0, TCP_CLOSING}, {0, TCP_CLOSING},
	               {RST_ACK, TCP_CLOSED}}},
	{TCP_LAST_ACK, {{REFUSED, 0}, {0, TCP_LAST_ACK}, {0, TCP_LAST_ACK},
	                {RST_ACK, TCP_CLOSED}}},
};

/* in states with a connection of an owner's; the others have none that a call could name */
static void
each_call_in_each_state(void **state)
{
	for (uint32_t i = 0; i < ARRAY_CNT(rows) * 4; i++) {
		uint32_t row = i / 4;
		enum tcp_happening happening = TCP_CALL_SEND + i % 4;
		uint8_t answer = rows[row].to[i % 4].answer;

		into(state, rows[row].from);
		if (answer == REFUSED)
			assert_true(refused(happening));
		else
			allowed(happening, answer, rows[row].to[i % 4].next);
		lab_fini(&lab);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(each_segment_in_each_state),
		LAB_TEST(each_call_in_each_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
