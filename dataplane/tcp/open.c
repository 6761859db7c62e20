/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The active open. */
#include "dataplane/tcp/open.h"

#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/listen.h"
#include "dataplane/tcp/states.h"
#include "dataplane/tcp/timers.h"

#include <arpa/inet.h>
#include <string.h>

static_assert((TCP_EPHEMERAL_CNT & (TCP_EPHEMERAL_CNT - 1)) == 0, "masked, not divided");
static_assert(TCP_EPHEMERAL_FIRST + TCP_EPHEMERAL_CNT - 1 <= UINT16_MAX, "the range holds ports");

/* ---- the local port */

static bool
port_free(const struct tcp_stack *stack, const struct flow_key *key)
{
	return !ports_listening(&stack->ports, key->local_port) &&
	       table_find(&stack->table, key) == NULL;
}

/* choose_port fills key->local_port: from a place that depends on the remote and on a secret,
 * counted on by every connection (RFC 6056 3.3.3, algorithm 3). False: none is free. */
static COLD bool
choose_port(struct tcp_stack *stack, struct flow_key *key)
{
	uint32_t offset = (uint32_t)isn_hash(stack->config.secret, key, ISN_SALT_PORT);

	for (uint32_t i = 0; i < TCP_EPHEMERAL_CNT; i++) {
		uint32_t place = (offset + stack->ports.next++) & (TCP_EPHEMERAL_CNT - 1);

		key->local_port = (uint16_t)(TCP_EPHEMERAL_FIRST + place);
		if (port_free(stack, key))
			return true;
	}
	return false;
}

static bool
key_make(struct tcp_stack *stack, const struct tcp_remote *remote, struct flow_key *key)
{
	*key = (struct flow_key){
		.remote_be = remote->addr_be,
		.local_be = stack->config.local.addr_be,
		.remote_port = remote->port,
		.local_port = remote->local_port,
	};
	if (remote->local_port != 0)           /* one that is listened on may connect as well */
		return table_find(&stack->table, key) == NULL;
	return choose_port(stack, key);
}

/* ---- the SYN */

static void
path_make(const struct tcp_stack *stack, const struct tcp_remote *remote, struct ip_path *path)
{
	struct ip_seg from = {
		.src_be = remote->addr_be,
		.dst_be = stack->config.local.addr_be,
	};

	memcpy(from.src_mac, remote->mac, sizeof(from.src_mac));
	memcpy(from.dst_mac, stack->config.local.mac, sizeof(from.dst_mac));
	ip_path_init(path, &from);
}

/* offer sets what our SYN offers; tcb_take_syn leaves of it what the peer has too. */
static void
offer(const struct tcp_stack *stack, struct tcb *tcb)
{
	tcb->rcv_wscale = tcp_offered_wscale(stack);
	tcb->rcv_wnd = stack->config.rcv_wnd_bytes;
	tcb->sack_ok = true;
	tcb->ts_ok = true;
	tcb->mss = TCP_MSS_DEFAULT;
}

struct tcb *
tcp_connect(struct tcp_stack *stack, const struct tcp_remote *remote, uint64_t now_us)
{
	struct flow_key key;
	struct tcb *tcb;

	dp_assert(remote->port != 0 && remote->addr_be != 0);
	tcp_enter(stack, now_us);
	if (stack->open_cnt >= stack->config.connections_max || stack->tcbs.free_cnt == 0) {
		count(stack->ctr, CTR_tcp_table_full);
		return NULL;
	}
	if (!key_make(stack, remote, &key)) {
		count(stack->ctr, CTR_tcp_no_port);
		return NULL;
	}
	tcb = pool_get(&stack->tcbs);
	tcb_start(stack, tcb, &key, isn_make(stack->config.secret, &key, now_us));
	path_make(stack, remote, &tcb->path);
	offer(stack, tcb);
	tcb->active = true;
	tcp_set_state(tcb, TCP_SYN_SENT);
	tcb_count(stack, tcb, SOURCE_OPEN);
	tcb->synack_now = true;
	tcb_settle(stack, tcb);
	return tcb;
}

/* ---- the answer */

/* cross goes on after the peer's own SYN: ours is told again, with the ACK of its (3.5, fig. 7). */
static void
cross(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	tcb_take_syn(stack, tcb, seg->seq, seg->wnd, &seg->opt);
	ecn_syn_arrives(stack, tcb, seg);
	count_add(stack->ctr, CTR_tcp_syn_data, seg->len);     /* it will be sent again */
	tcp_set_state(tcb, TCP_SYN_RECEIVED);
	tcb->synack_now = true;
}

bool
open_answer_arrives(struct tcp_stack *stack, struct tcb *tcb, const struct tcp_seg *seg)
{
	bool acks = seg->flags & TCP_ACK;

	/* first, check the ACK bit: SND.UNA < SEG.ACK =< SND.NXT */
	if (acks && seg->ack != tcb->snd_nxt) {
		count(stack->ctr, CTR_tcp_bad_ack);
		control_reset_for(&stack->control, seg, stack->ctr);
		return false;
	}
	/* second, check the RST bit: without an acceptable ACK it is a guess (RFC 5961 3.2) */
	if (seg->flags & TCP_RST) {
		if (acks)
			tcb_finish(stack, tcb, CTR_tcp_resets_in);
		else
			count(stack->ctr, CTR_tcp_bad_reset);
		return false;
	}
	/* third, check security: none on this host */
	/* fourth, check the SYN bit; fifth, drop what has neither SYN nor RST */
	if ((seg->flags & TCP_SYN) == 0) {
		count(stack->ctr, CTR_tcp_bad_flags);
		return false;
	}
	if (!acks) {
		cross(stack, tcb, seg);
		return false;
	}
	tcb_take_syn(stack, tcb, seg->seq, seg->wnd, &seg->opt);
	ecn_synack_arrives(stack, tcb, seg);
	tcb_establish(stack, tcb, seg);
	tcb->ack_now = true;
	return true;
}

bool
open_crossed(const struct tcb *tcb, const struct tcp_seg *seg)
{
	return tcb->state == TCP_SYN_RECEIVED && tcb->active &&
	       (seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && seg->seq == tcb->irs &&
	       seg->ack == tcb->snd_nxt;
}
