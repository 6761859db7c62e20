/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making and ending a worker: the layers from the ground up, and down again. */
#include "dataplane/worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

static void *
arena_map(uint64_t len, bool huge)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0);
	void *arena = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (arena == MAP_FAILED)
		return NULL;
	if (!huge)
		madvise(arena, len, MADV_HUGEPAGE);
	return arena;
}

/* part_of returns a worker's part of a number that is for all: an eighth more than its share when
 * there are several, for peers do not spread evenly. */
static uint32_t
part_of(uint32_t whole, uint32_t worker_cnt)
{
	uint32_t share = (whole + worker_cnt - 1) / worker_cnt;

	return worker_cnt == 1 ? whole : share + share / 8;
}

/* arena_part returns the bytes of a worker's arena: whole hugepages. */
static uint64_t
arena_part(const struct abi_config *config)
{
	uint64_t mib = config->arena_mib;

	if (config->worker_cnt > 1)
		mib = mib / config->worker_cnt & ~1ull;
	return mib << 20;
}

/* know_port fills what the worker has to know of its port. */
static void
know_port(struct worker *worker, const struct abi_config *config)
{
	const struct port_info *info = port_info(worker->port);

	memcpy(worker->local.mac, info->mac, sizeof(worker->local.mac));
	worker->local.mtu = info->mtu;
	worker->local.addr_be = config->address_be;
	snprintf(worker->control.port_text, sizeof(worker->control.port_text), "%s", info->text);
}

static enum store_integrity
integrity_of(const struct abi_config *config)
{
	if (config->flags & ABI_CONFIG_INTEGRITY_OFF)
		return STORE_INTEGRITY_OFF;
	return config->flags & ABI_CONFIG_INTEGRITY_SAMPLED ? STORE_INTEGRITY_SAMPLED
	                                                    : STORE_INTEGRITY_ALWAYS;
}

static bool
make_store(struct worker *worker, const struct abi_config *config, char *error)
{
	bool huge = (config->flags & ABI_CONFIG_NO_HUGE) == 0;
	struct store_config store = {
		.torrents_max = config->torrents_max,
		.active_max = config->active_max,
		.buffer_len = config->buffer_len,
		.integrity = integrity_of(config),
		.polled = (config->flags & ABI_CONFIG_IOPOLL) != 0,
		.arena_len = arena_part(config),
		.ctr = &worker->ctr,
		.stats = publish_stats(worker->publish, worker->index),
	};

	worker->arena_len = store.arena_len;
	worker->arena = port_arena_alloc(worker->port, store.arena_len);
	worker->arena_is_ports = worker->arena != NULL;
	if (worker->arena == NULL)
		worker->arena = arena_map(store.arena_len, huge);
	if (worker->arena == NULL) {
		snprintf(error, WORKER_ERROR_MAX,
		         "no %s for the arena of %u MiB: lower arena_mib%s",
		         huge ? "hugepages" : "memory", config->arena_mib,
		         huge ? ", reserve more in vm.nr_hugepages, or use --no-huge" : "");
		return false;
	}
	store.arena = worker->arena;
	worker->store = store_create(&store);
	if (worker->store == NULL)
		snprintf(error, WORKER_ERROR_MAX, "the store could not start: %s",
		         strerror(errno));
	return worker->store != NULL;
}

static bool
make_peers(struct worker *worker, const struct abi_config *config, char *error)
{
	uint32_t connections_max = part_of(config->connections_max, config->worker_cnt);
	uint64_t random[3];
	struct wire_config wire = {
		.store = worker->store,
		.peers_max = connections_max,
		.listen_port = config->listen_port,
		.dht_port = config->dht_port,
		.pex = (config->flags & ABI_CONFIG_PEX) != 0,
		.ctr = &worker->ctr,
	};
	struct tcp_config tcp = {
		.local = worker->local,
		.listen_port = config->listen_port,
		.connections_max = connections_max,
		.source_max = part_of(config->connections_per_source, config->worker_cnt),
		.cc = (enum tcp_cc)config->congestion,
		.tso_max = port_info(worker->port)->tso_max,
		.ecn = (config->flags & ABI_CONFIG_ECN) != 0,
		.hugepages = (config->flags & ABI_CONFIG_HUGE_TABLES) != 0,
		.ctr = &worker->ctr,
	};

	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		snprintf(error, WORKER_ERROR_MAX, "no random bytes: %s", strerror(errno));
		return false;
	}
	wire.seed = random[0];
	tcp.secret[0] = random[1];
	tcp.secret[1] = random[2];
	worker->wire = wire_create(&wire);
	worker->tcp = tcp_create(&tcp, worker->now_us);
	if (worker->wire == NULL || worker->tcp == NULL ||
	    pool_init(&worker->sessions, sizeof(struct session), connections_max) < 0 ||
	    shaper_create(&worker->shaper, config->active_max) < 0) {
		snprintf(error, WORKER_ERROR_MAX, "no memory for %u connections",
		         connections_max);
		return false;
	}
	for (uint32_t i = 0; i < worker->sessions.cnt; i++)
		((struct session *)pool_at(&worker->sessions, i))->tcb = NULL;
	return true;
}

bool
worker_create(struct worker *worker, const struct worker_setup *setup, char *error)
{
	int err;

	worker->index = setup->index;
	worker->publish = setup->publish;
	worker->stop = setup->stop;
	worker->pump_tail = &worker->pump_head;
	worker->busy_poll = (setup->config->flags & ABI_CONFIG_POLL_BUSY) != 0;
	worker->now_us = 1;
	worker->control.fd = -1;
	worker->control.index = setup->index;
	worker->control.boot_id = setup->boot_id;
	worker->control.worker = worker;
	worker->control.publish = setup->publish;
	worker->control.ctr = &worker->ctr;
	err = control_init(&worker->control, abi_fd_listen(setup->index));
	if (err < 0) {
		snprintf(error, WORKER_ERROR_MAX, "descriptor %d is no socket: %s",
		         abi_fd_listen(setup->index), strerror(-err));
		return false;
	}
	know_port(worker, setup->config);
	if (!make_store(worker, setup->config, error) || !make_peers(worker, setup->config, error))
		return false;
	worker->control.store = worker->store;
	worker->control.wire = worker->wire;
	return true;
}

/* part_all parts every session: no peer may hold content when the store goes. */
static void
part_all(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->sessions.cnt; i++) {
		struct session *session = pool_at(&worker->sessions, i);

		if (session->tcb != NULL)
			session_abort(worker, session);
	}
}

/* say_goodbye lets the resets of part_all leave. */
static void
say_goodbye(struct worker *worker)
{
	struct pkt_out pkts[BURST_MAX];

	for (uint32_t i = 0; i < worker->sessions.cnt && tcp_output_pending(worker->tcp); i++) {
		uint16_t cnt = tcp_output(worker->tcp, pkts, port_tx_room(worker->port),
		                          worker->now_us);

		port_tx_burst(worker->port, pkts, cnt);
		port_tx_flush(worker->port);
	}
}

void
worker_part(struct worker *worker)
{
	if (worker->tcp != NULL && worker->sessions.cnt > 0) {
		part_all(worker);
		say_goodbye(worker);
	}
	tcp_destroy(worker->tcp);
	worker->tcp = NULL;
}

void
worker_destroy(struct worker *worker)
{
	if (worker->wire != NULL)
		wire_destroy(worker->wire);
	if (worker->store != NULL)
		store_destroy(worker->store);
	if (worker->arena_is_ports)
		port_arena_free(worker->arena);
	else if (worker->arena != NULL)
		munmap(worker->arena, worker->arena_len);
	control_fini(&worker->control);
	shaper_destroy(&worker->shaper);
	pool_fini(&worker->sessions);
	policy_close(&worker->policy);
}
