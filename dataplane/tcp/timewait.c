/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Entries in TIME-WAIT, oldest first: all wait equally long, so a list is enough. */
#include "dataplane/tcp/timewait.h"

#include "dataplane/tcp/stack.h"

#include <string.h>

int
timewait_init(struct timewait *timewait, uint32_t cnt)
{
	memset(timewait, 0, sizeof(*timewait));
	timer_init(&timewait->timer);
	return pool_init(&timewait->entries, sizeof(struct timewait_entry), cnt);
}

static void
list_remove(struct timewait *timewait, struct timewait_entry *entry)
{
	if (entry->older == NULL)
		timewait->oldest = entry->newer;
	else
		entry->older->newer = entry->newer;
	if (entry->newer == NULL)
		timewait->newest = entry->older;
	else
		entry->newer->older = entry->older;
}

static void
list_append(struct tcp_stack *stack, struct timewait_entry *entry)
{
	struct timewait *timewait = &stack->timewait;

	entry->deadline_us = stack->now_us + TCP_TIME_WAIT_US;
	entry->older = timewait->newest;
	entry->newer = NULL;
	if (timewait->newest == NULL)
		timewait->oldest = entry;
	else
		timewait->newest->newer = entry;
	timewait->newest = entry;
	if (!timer_is_set(&timewait->timer))
		timer_set(&stack->wheel, &timewait->timer, entry->deadline_us);
}

static void
entry_end(struct tcp_stack *stack, struct timewait_entry *entry)
{
	struct timewait *timewait = &stack->timewait;

	table_remove(&stack->table, &entry->flow);
	list_remove(timewait, entry);
	pool_put(&timewait->entries, entry);
	gauge_set(stack->ctr, CTR_tcp_time_wait, timewait->entries.cnt - timewait->entries.free_cnt);
}

static void
acknowledge(struct tcp_stack *stack, const struct timewait_entry *entry,
            const struct ip_path *path)
{
	struct answer *answer = control_add(&stack->control, stack->ctr);

	if (answer == NULL)
		return;
	*answer = (struct answer){
		.path = *path,
		.key = entry->flow.key,
		.seq = entry->snd_nxt,
		.ack = entry->rcv_nxt,
		.wnd = entry->wnd,
		.flags = TCP_ACK,
		.has_ts = entry->ts_ok,
		.tsval = tcp_ts_now(stack) + entry->ts_offset,
		.tsecr = entry->ts_recent,
	};
}

void
timewait_add(struct tcp_stack *stack, const struct tcb *tcb)
{
	struct timewait *timewait = &stack->timewait;
	struct timewait_entry *entry = pool_get(&timewait->entries);

	if (entry == NULL) {
		count(stack->ctr, CTR_tcp_time_wait_full);
		entry_end(stack, timewait->oldest);
		entry = pool_get(&timewait->entries);
	}
	entry->flow.kind = FLOW_TIME_WAIT;
	entry->snd_nxt = tcb->snd_nxt;
	entry->rcv_nxt = tcb->rcv_nxt;
	entry->ts_ok = tcb->ts_ok;
	entry->ts_recent = tcb->ts_recent;
	entry->ts_offset = tcb->ts_offset;
	entry->wnd = (uint16_t)MIN(tcb_rcv_wnd(tcb) >> tcb->rcv_wscale, 65535u);
	table_add(&stack->table, &entry->flow, &tcb->flow.key);
	list_append(stack, entry);
	gauge_set(stack->ctr, CTR_tcp_time_wait, timewait->entries.cnt - timewait->entries.free_cnt);
	if (tcb->ack_now)
		acknowledge(stack, entry, &tcb->path);
}

/* is_new tells whether a SYN cannot be an old duplicate (RFC 6191 2). */
static bool
is_new(const struct timewait_entry *entry, const struct tcp_seg *seg)
{
	if (seg->opt.has_ts && !entry->ts_ok)
		return true;
	if (seg->opt.has_ts && seg->opt.tsval != entry->ts_recent)
		return seq_gt(seg->opt.tsval, entry->ts_recent);
	return seq_ge(seg->seq, entry->rcv_nxt);
}

/* is_late_fin tells whether a segment is the FIN that ended the connection, again: whose ACK was
 * lost. A guess must not keep the entry for ever. */
static bool
is_late_fin(const struct timewait_entry *entry, const struct tcp_seg *seg)
{
	return (seg->flags & TCP_FIN) && seg->seq + tcp_seg_span(seg) == entry->rcv_nxt &&
	       seq_le(seg->ack, entry->snd_nxt);
}

bool
timewait_arrives(struct tcp_stack *stack, struct timewait_entry *entry,
                 const struct tcp_seg *seg)
{
	struct ip_path path;

	if (seg->flags & TCP_RST) {                /* RFC 1337 3: ignored */
		count(stack->ctr, CTR_tcp_bad_reset);
		return false;
	}
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && is_new(entry, seg)) {
		entry_end(stack, entry);
		return true;
	}
	count(stack->ctr, CTR_tcp_in_time_wait);
	if (tcp_seg_span(seg) == 0)
		return false;
	ip_path_init(&path, seg->ip);
	if (is_late_fin(entry, seg)) {
		acknowledge(stack, entry, &path);
		list_remove(&stack->timewait, entry);  /* 3.10.7.4, eighth: restart 2 MSL */
		list_append(stack, entry);
	} else if (challenge_may(&stack->challenge, NULL, stack->config.secret, stack->now_us,
	                         stack->ctr)) {
		acknowledge(stack, entry, &path);
	}
	return false;
}

void
timewait_expire(struct tcp_stack *stack)
{
	struct timewait *timewait = &stack->timewait;

	while (timewait->oldest != NULL && timewait->oldest->deadline_us <= stack->now_us)
		entry_end(stack, timewait->oldest);
	if (timewait->oldest != NULL)
		timer_set(&stack->wheel, &timewait->timer, timewait->oldest->deadline_us);
}
