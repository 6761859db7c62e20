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

static bool
make_port(struct worker *worker, const struct abi_config *config, char *error)
{
	struct port_config port = {
		.spec = config->port,
		.xdp_object = config->xdp_object,
		.address_be = config->address_be,
		.listen_port = config->listen_port,
		.mtu = config->mtu,
		.queue_cnt = 1,
	};
	struct port_error why = {{0}};
	const struct port_info *info;

	worker->device = port_open(&port, &why);
	if (worker->device == NULL) {
		snprintf(error, WORKER_ERROR_MAX, "%s", why.text);
		return false;
	}
	worker->port = port_queue(worker->device, 0, &worker->ctr);
	info = port_info(worker->port);
	memcpy(worker->local.mac, info->mac, sizeof(worker->local.mac));
	worker->local.mtu = info->mtu;
	worker->local.addr_be = config->address_be;
	snprintf(worker->control.port_text, sizeof(worker->control.port_text), "%s", info->text);
	return true;
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
		.arena_len = (uint64_t)config->arena_mib << 20,
		.integrity = integrity_of(config),
		.ctr = &worker->ctr,
		.stats = worker->publish.stats,
	};

	worker->arena_len = store.arena_len;
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
	uint64_t random[4];
	struct wire_config wire = {
		.store = worker->store,
		.peers_max = config->connections_max,
		.listen_port = config->listen_port,
		.ctr = &worker->ctr,
	};
	struct tcp_config tcp = {
		.local = worker->local,
		.listen_port = config->listen_port,
		.connections_max = config->connections_max,
		.source_max = config->connections_per_source,
		.cc = (enum tcp_cc)config->congestion,
		.tso_max = port_info(worker->port)->tso_max,
		.ecn = (config->flags & ABI_CONFIG_ECN) != 0,
		.ctr = &worker->ctr,
	};

	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		snprintf(error, WORKER_ERROR_MAX, "no random bytes: %s", strerror(errno));
		return false;
	}
	wire.seed = random[0];
	tcp.secret[0] = random[1];
	tcp.secret[1] = random[2];
	worker->control.boot_id = random[3];
	worker->wire = wire_create(&wire);
	worker->tcp = tcp_create(&tcp, worker->now_us);
	if (worker->wire == NULL || worker->tcp == NULL ||
	    pool_init(&worker->sessions, sizeof(struct session), config->connections_max) < 0) {
		snprintf(error, WORKER_ERROR_MAX, "no memory for %u connections",
		         config->connections_max);
		return false;
	}
	for (uint32_t i = 0; i < worker->sessions.cnt; i++)
		((struct session *)pool_at(&worker->sessions, i))->tcb = NULL;
	return true;
}

struct worker *
worker_create(const struct abi_config *config, int listen_fd, const volatile bool *stop,
              char *error)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (worker == NULL) {
		snprintf(error, WORKER_ERROR_MAX, "no memory");
		return NULL;
	}
	worker->stop = stop;
	worker->pump_tail = &worker->pump_head;
	worker->busy_poll = (config->flags & ABI_CONFIG_POLL_BUSY) != 0;
	worker->now_us = 1;
	worker->control.listen_fd = -1;
	worker->control.fd = -1;
	err = publish_init(&worker->publish, config->active_max);
	if (err < 0) {
		snprintf(error, WORKER_ERROR_MAX, "no counters memfd: %s", strerror(-err));
		goto err_destroy;
	}
	if (!make_port(worker, config, error) || !make_store(worker, config, error) ||
	    !make_peers(worker, config, error))
		goto err_destroy;
	worker->control.store = worker->store;
	worker->control.wire = worker->wire;
	worker->control.worker = worker;
	worker->control.publish = &worker->publish;
	worker->control.ctr = &worker->ctr;
	err = control_init(&worker->control, listen_fd);
	if (err < 0) {
		snprintf(error, WORKER_ERROR_MAX, "descriptor %d is no socket: %s", listen_fd,
		         strerror(-err));
		goto err_destroy;
	}
	return worker;
err_destroy:
	worker_destroy(worker);
	return NULL;
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
worker_destroy(struct worker *worker)
{
	if (worker == NULL)
		return;
	if (worker->tcp != NULL && worker->sessions.cnt > 0) {
		part_all(worker);
		say_goodbye(worker);
	}
	tcp_destroy(worker->tcp);
	port_close(worker->device);
	if (worker->wire != NULL)
		wire_destroy(worker->wire);
	if (worker->store != NULL)
		store_destroy(worker->store);
	if (worker->arena != NULL)
		munmap(worker->arena, worker->arena_len);
	if (worker->control.listen_fd >= 0)
		control_fini(&worker->control);
	publish_fini(&worker->publish);
	pool_fini(&worker->sessions);
	free(worker);
}
