/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits in force. */
#include "dataplane/worker/enforce.h"

#include <string.h>

static_assert((int)SHAPER_NO_CLASS == UINT8_MAX, "as policy_class returns it");

/* terms_of returns what holds for a session. */
static struct shape_terms
terms_of(const struct session *session, struct torrent *torrent)
{
	return (struct shape_terms){
		.owner = &torrent->shape,
		.group_id = torrent->group,
		.weight = torrent->weight,
		.rate_bytes_per_s = torrent->rate_bytes_per_s,
		.class_index = session->class_index,
	};
}

void
enforce_named(struct worker *worker, struct session *session)
{
	const struct torrent *named = wire_torrent(session->peer);
	struct torrent *torrent;
	struct shape_terms terms;

	if (named == NULL || session->shaped)
		return;
	torrent = store_by_id(worker->store, named->id);
	if (torrent == NULL || torrent->state != TORRENT_ACTIVE)
		return;
	terms = terms_of(session, torrent);
	session->settled = true;
	if (!shaper_limits(&worker->shaper, &terms))
		return;
	session->shaped = shaper_join(&worker->shaper, &session->leaf, &terms);
	session->settled = session->shaped;
}

bool
enforce_admit(struct worker *worker, struct session *session, uint32_t address_be)
{
	uint8_t index = policy_class(&worker->policy, address_be);
	const struct abi_class *class;

	session->settled = false;
	session->shaped = false;
	session->leaf.place.above = NULL;
	session->class_index = index;
	if (policy_blocks(&worker->policy, address_be)) {
		count(&worker->ctr, CTR_peers_blocked);
		return false;
	}
	if (index == SHAPER_NO_CLASS)
		return true;
	class = &worker->policy.classes[index];
	if (class->connections_max != 0 && worker->class_cnts[index] >= class->connections_max) {
		count(&worker->ctr, CTR_class_full);
		return false;
	}
	worker->class_cnts[index]++;
	return true;
}

void
enforce_forget(struct worker *worker, struct session *session)
{
	shaper_leave(&worker->shaper, &session->leaf);
	session->shaped = false;
	if (session->class_index != SHAPER_NO_CLASS)
		worker->class_cnts[session->class_index]--;
}

/* ---- what changes */

/* is_meant tells whether a session is one of all, or of a torrent whose limits change. */
static bool
is_meant(const struct session *session, bool all)
{
	const struct torrent *torrent;

	if (session->tcb == NULL)
		return false;
	torrent = wire_torrent(session->peer);
	return all || (torrent != NULL && torrent->relimit);
}

/* part takes sessions out of the shaper, for their limits to be changed. */
static COLD void
part(struct worker *worker, bool all)
{
	for (uint32_t i = 0; i < worker->sessions.cnt; i++) {
		struct session *session = pool_at(&worker->sessions, i);

		if (!is_meant(session, all) || !session->shaped)
			continue;
		shaper_leave(&worker->shaper, &session->leaf);
		session->shaped = false;
	}
}

/* join has sessions limited by what limits them now; those that waited may go on. */
static COLD void
join(struct worker *worker, bool all)
{
	for (uint32_t i = 0; i < worker->sessions.cnt; i++) {
		struct session *session = pool_at(&worker->sessions, i);

		if (!is_meant(session, all))
			continue;
		enforce_named(worker, session);
		session_mark(worker, session);
	}
}

/* classify_all gives every session its class anew, and closes those that are refused. */
static void
classify_all(struct worker *worker)
{
	struct tcp_info info;

	memset(worker->class_cnts, 0, sizeof(worker->class_cnts));
	for (uint32_t i = 0; i < worker->sessions.cnt; i++) {
		struct session *session = pool_at(&worker->sessions, i);

		if (session->tcb == NULL)
			continue;
		tcp_info(worker->tcp, session->tcb, &info);
		session->class_index = policy_class(&worker->policy, info.remote_be);
		if (session->class_index != SHAPER_NO_CLASS)
			worker->class_cnts[session->class_index]++;
		if (!policy_blocks(&worker->policy, info.remote_be))
			continue;
		count(&worker->ctr, CTR_peers_blocked);
		session_abort(worker, session);
	}
}

/* shaper_follow gives the shaper the rates of the policy. */
static void
shaper_follow(struct worker *worker)
{
	const struct policy *policy = &worker->policy;
	struct shaper *shaper = &worker->shaper;

	shaper_clear(shaper, worker->now_us);
	bucket_set_rate(&shaper->root.gate.bucket, policy->all.rate_bytes_per_s, worker->now_us);
	for (uint32_t i = 0; i < policy->head->group_cnt; i++)
		shaper_add_group(shaper, policy->groups[i].id, policy->groups[i].weight,
		                 policy->groups[i].rate_bytes_per_s);
	for (uint32_t i = 0; i < policy->head->class_cnt; i++) {
		shaper->classes[i].weight = policy->classes[i].weight;
		bucket_set_rate(&shaper->classes[i].gate.bucket,
		                policy->classes[i].rate_bytes_per_s, worker->now_us);
	}
}

/* others_follow gives tcp and wire their parts of the policy. */
static void
others_follow(struct worker *worker)
{
	const struct policy *policy = &worker->policy;
	const struct abi_policy *all = &policy->all;
	bool drain = (all->flags & ABI_POLICY_DRAIN) != 0;
	struct tcp_gate gate = {
		.connections_max = all->connections_max,
		.shut = drain,
		.refused = (const struct ip_range *)(const void *)policy->blocks,
		.refused_cnt = policy->head->block_cnt,
	};
	struct wire_choke choke = {
		.slots = all->upload_slots,
		.fastest = all->choke == ABI_CHOKE_FASTEST,
		.slow_bytes_per_s = all->slow_bytes_per_s,
		.slow_s = all->slow_s,
	};

	tcp_set_gate(worker->tcp, &gate);
	wire_set_choke(worker->wire, &choke, worker->now_us);
	wire_set_drain(worker->wire, drain);
	gauge_set(&worker->ctr, CTR_draining, drain);
	gauge_set(&worker->ctr, CTR_blocked_ranges, gate.refused_cnt);
}

enum abi_status
enforce_policy(struct worker *worker, const struct abi_policy *all, int fd)
{
	struct policy old = worker->policy;
	struct policy made;
	enum abi_status status = policy_open(&made, all, fd);

	if (status != ABI_OK) {
		count(&worker->ctr, CTR_policy_refused);
		return status;
	}
	part(worker, true);
	worker->policy = made;
	others_follow(worker);
	classify_all(worker);
	shaper_follow(worker);
	join(worker, true);
	policy_close(&old);
	count(&worker->ctr, CTR_policies);
	return ABI_OK;
}

void
enforce_torrents(struct worker *worker, const struct abi_entry *entries, uint32_t cnt)
{
	part(worker, false);
	join(worker, false);
	for (uint32_t i = 0; i < cnt; i++)
		store_by_id(worker->store, entries[i].id)->relimit = false;
}

/* ---- shares of rates */

/* gate_of returns the gate that a rate is of, NULL: there is no such. */
static struct gate *
gate_of(struct worker *worker, const struct abi_rate *rate)
{
	struct shaper *shaper = &worker->shaper;
	struct shape_node *group;
	struct torrent *torrent;

	switch (rate->of) {
	case ABI_RATE_ALL:
		return &shaper->root.gate;
	case ABI_RATE_GROUP:
		group = shaper_group(shaper, rate->id);
		return group != NULL ? &group->gate : NULL;
	case ABI_RATE_CLASS:
		return rate->id < SHAPER_CLASSES ? &shaper->classes[rate->id].gate : NULL;
	case ABI_RATE_TORRENT:
		torrent = store_by_id(worker->store, rate->id);
		if (torrent == NULL || torrent->rate_bytes_per_s == 0)
			return NULL;
		torrent->rate_bytes_per_s = rate->bytes_per_s;
		return torrent->shape != NULL ? &((struct shape_node *)torrent->shape)->gate
		                              : NULL;
	default:
		return NULL;
	}
}

enum abi_status
enforce_rates(struct worker *worker, const struct abi_rates *rates)
{
	if (rates->cnt > ABI_RATES_MAX)
		return ABI_ERR_MESSAGE;
	for (uint32_t i = 0; i < rates->cnt; i++)
		if (rates->rate[i].of >= ABI_RATE_CNT || rates->rate[i].bytes_per_s == 0)
			return ABI_ERR_MESSAGE;
	worker->shaper.now_us = worker->now_us;
	for (uint32_t i = 0; i < rates->cnt; i++) {
		struct gate *gate = gate_of(worker, &rates->rate[i]);

		if (gate != NULL)
			shaper_rate(&worker->shaper, gate, rates->rate[i].bytes_per_s);
	}
	return ABI_OK;
}

void
enforce_used(const struct worker *worker, struct abi_used *used)
{
	const struct shaper *shaper = &worker->shaper;

	memset(used, 0, sizeof(*used));
	used->bytes = shaper->root.gate.bucket.used_bytes;
	for (uint32_t i = 0; i < shaper->group_cnt; i++)
		used->group_bytes[i] = shaper->groups[1 + i].gate.bucket.used_bytes;
	for (uint32_t i = 0; i < SHAPER_CLASSES; i++)
		used->class_bytes[i] = shaper->classes[i].gate.bucket.used_bytes;
}
