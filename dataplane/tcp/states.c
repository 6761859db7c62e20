/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of states. */
#include "dataplane/tcp/states.h"

#include "dataplane/tcp/tcb.h"

#define DROP(counter_name)  {TCP_STEP_DROP, CTR_tcp_##counter_name}
#define RESET(counter_name) {TCP_STEP_RESET, CTR_tcp_##counter_name}
#define OPEN                {TCP_STEP_OPEN, 0}
#define COOKIE(counter_name) {TCP_STEP_COOKIE, CTR_tcp_##counter_name}
#define WALK                {TCP_STEP_WALK, 0}
#define WAIT                {TCP_STEP_WAIT, 0}
#define ANSWER              {TCP_STEP_ANSWER, 0}
#define ALLOW               {TCP_STEP_ALLOW, 0}
#define ABANDON             {TCP_STEP_ABANDON, 0}
#define IGNORE              {TCP_STEP_IGNORE, 0}
#define REFUSE              {TCP_STEP_REFUSE, 0}

/* clang-format off */

/* the columns that are alike in every state in which both sides have synchronised */
#define SYNCHRONISED                           \
	[TCP_IN_NOTHING]  = DROP(bad_flags),   \
	[TCP_IN_ACK]      = WALK,              \
	[TCP_IN_FIN]      = WALK,              \
	[TCP_IN_SYN]      = WALK,              \
	[TCP_IN_SYN_ACK]  = WALK,              \
	[TCP_IN_RST]      = WALK,              \
	[TCP_IN_NONSENSE] = DROP(bad_flags),   \
	[TCP_CALL_ABORT]  = ALLOW

/* what the owner may ask for (3.10.2 to 3.10.4): before it is open, while it sends, after FIN */
#define NOT_OPEN                               \
	[TCP_CALL_SEND]     = REFUSE,          \
	[TCP_CALL_SHUTDOWN] = REFUSE,          \
	[TCP_CALL_CLOSE]    = ABANDON
#define MAY_SEND                               \
	[TCP_CALL_SEND]     = ALLOW,           \
	[TCP_CALL_SHUTDOWN] = ALLOW,           \
	[TCP_CALL_CLOSE]    = ALLOW
#define NO_MORE                                \
	[TCP_CALL_SEND]     = REFUSE,          \
	[TCP_CALL_SHUTDOWN] = IGNORE,          \
	[TCP_CALL_CLOSE]    = IGNORE

static const struct tcp_rule rules[TCP_STATE_CNT][TCP_HAPPENING_CNT] = {
	[TCP_CLOSED] = {                           /* 3.10.7.1 */
		[TCP_IN_NOTHING]  = RESET(not_listening),
		[TCP_IN_ACK]      = RESET(not_listening),
		[TCP_IN_FIN]      = RESET(not_listening),
		[TCP_IN_SYN]      = RESET(not_listening),
		[TCP_IN_SYN_ACK]  = RESET(not_listening),
		[TCP_IN_RST]      = DROP(not_listening),
		[TCP_IN_NONSENSE] = DROP(bad_flags),
		[TCP_CALL_ABORT]  = IGNORE,
		NO_MORE,
	},
	[TCP_LISTEN] = {                           /* 3.10.7.2 */
		[TCP_IN_NOTHING]  = DROP(bad_flags),
		[TCP_IN_ACK]      = COOKIE(no_connection),
		[TCP_IN_FIN]      = COOKIE(no_connection),
		[TCP_IN_SYN]      = OPEN,
		[TCP_IN_SYN_ACK]  = RESET(no_connection),
		[TCP_IN_RST]      = DROP(bad_reset),
		[TCP_IN_NONSENSE] = DROP(bad_flags),
		[TCP_CALL_ABORT]    = REFUSE,
		[TCP_CALL_SEND]     = REFUSE,
		[TCP_CALL_SHUTDOWN] = REFUSE,
		[TCP_CALL_CLOSE]    = REFUSE,
	},
	[TCP_SYN_SENT] = {                         /* 3.10.7.3 */
		[TCP_IN_NOTHING]  = DROP(bad_flags),
		[TCP_IN_ACK]      = ANSWER,
		[TCP_IN_FIN]      = ANSWER,
		[TCP_IN_SYN]      = ANSWER,
		[TCP_IN_SYN_ACK]  = ANSWER,
		[TCP_IN_RST]      = ANSWER,
		[TCP_IN_NONSENSE] = DROP(bad_flags),
		[TCP_CALL_ABORT]  = ABANDON,
		NOT_OPEN,
	},
	[TCP_SYN_RECEIVED] = { SYNCHRONISED, NOT_OPEN },
	[TCP_ESTABLISHED]  = { SYNCHRONISED, MAY_SEND },
	[TCP_FIN_WAIT_1]   = { SYNCHRONISED, NO_MORE },
	[TCP_FIN_WAIT_2]   = { SYNCHRONISED, NO_MORE },
	[TCP_CLOSE_WAIT]   = { SYNCHRONISED, MAY_SEND },
	[TCP_CLOSING]      = { SYNCHRONISED, NO_MORE },
	[TCP_LAST_ACK]     = { SYNCHRONISED, NO_MORE },
	[TCP_TIME_WAIT] = {
		[TCP_IN_NOTHING]  = DROP(bad_flags),
		[TCP_IN_ACK]      = WAIT,
		[TCP_IN_FIN]      = WAIT,
		[TCP_IN_SYN]      = WAIT,
		[TCP_IN_SYN_ACK]  = WAIT,
		[TCP_IN_RST]      = WAIT,
		[TCP_IN_NONSENSE] = DROP(bad_flags),
		[TCP_CALL_ABORT]  = IGNORE,
		NO_MORE,
	},
};

#define TO(state) (1u << TCP_##state)

/* the states that may follow (3.3.2, figure 5) */
static const uint16_t edges[TCP_STATE_CNT] = {
	[TCP_CLOSED]       = TO(LISTEN) | TO(SYN_SENT),
	[TCP_LISTEN]       = TO(SYN_RECEIVED),
	[TCP_SYN_SENT]     = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(CLOSED),
	[TCP_ESTABLISHED]  = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_1]   = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_2]   = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_CLOSE_WAIT]   = TO(LAST_ACK) | TO(CLOSED),
	[TCP_CLOSING]      = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_LAST_ACK]     = TO(CLOSED),
	[TCP_TIME_WAIT]    = TO(CLOSED),
};
/* clang-format on */

enum tcp_happening
tcp_happening_of(uint8_t flags)
{
	bool fin = flags & TCP_FIN;
	bool ack = flags & TCP_ACK;

	if (flags & TCP_SYN) {
		if (fin || (flags & TCP_RST))
			return TCP_IN_NONSENSE;
		return ack ? TCP_IN_SYN_ACK : TCP_IN_SYN;
	}
	if (flags & TCP_RST)
		return TCP_IN_RST;
	if (fin)
		return ack ? TCP_IN_FIN : TCP_IN_NONSENSE;
	return ack ? TCP_IN_ACK : TCP_IN_NOTHING;
}

const struct tcp_rule *
tcp_rule_for(enum tcp_state state, enum tcp_happening happening)
{
	dp_assert(state < TCP_STATE_CNT && happening < TCP_HAPPENING_CNT);
	return &rules[state][happening];
}

bool
tcp_edge_legal(enum tcp_state from, enum tcp_state to)
{
	return (edges[from] & (1u << to)) != 0;
}

const char *
tcp_state_name(enum tcp_state state)
{
	static const char *const names[TCP_STATE_CNT] = {
		[TCP_CLOSED] = "CLOSED",
		[TCP_LISTEN] = "LISTEN",
		[TCP_SYN_SENT] = "SYN-SENT",
		[TCP_SYN_RECEIVED] = "SYN-RECEIVED",
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_FIN_WAIT_1] = "FIN-WAIT-1",
		[TCP_FIN_WAIT_2] = "FIN-WAIT-2",
		[TCP_CLOSE_WAIT] = "CLOSE-WAIT",
		[TCP_CLOSING] = "CLOSING",
		[TCP_LAST_ACK] = "LAST-ACK",
		[TCP_TIME_WAIT] = "TIME-WAIT",
	};

	dp_assert(state < TCP_STATE_CNT);
	return names[state];
}

void
tcp_set_state(struct tcb *tcb, enum tcp_state state)
{
	dp_assert(tcp_edge_legal(tcb->state, state));
	tcb->state = (uint8_t)state;
}
