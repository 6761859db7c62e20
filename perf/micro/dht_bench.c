/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What an announce to the DHT costs: one node announces many torrents, all over the id space as
 * dht_schedule has them and as many a second as 100,000 torrents need, among DHT nodes under a
 * virtual clock. Told are its packets, bytes and CPU time an announce, and the memory of a node. */
#include "control/dht/dht_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	NODES = 200,
	ANNOUNCES = 20000,
	LOOKUPS = 320,
	PER_S = 60,        /* 100,000 torrents in half an hour are 56 */
	DELAY_MS = 40,
	STEP_MS = 10,
	WIRE_MAX = 1 << 17,
};

struct flight {
	struct dht_address from;
	int64_t at_ms;
	struct dht_packet packet;
};

static struct dht_node *nodes[NODES];
static struct flight *wire;
static uint32_t head, cnt;
static int64_t now_ms = 1000000;
static uint64_t cpu_ns; /* of node 0 */

static uint64_t
cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct dht_address
address_of(uint32_t n)
{
	return (struct dht_address){
		.ip = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}, .ip_len = 4, .port = 6881};
}

static void
taken(uint32_t n)
{
	for (;;) {
		struct flight *f = &wire[(head + cnt) % WIRE_MAX];
		if (cnt == WIRE_MAX || !dht_node_take(nodes[n], &f->packet))
			return;
		f->from = address_of(n);
		f->at_ms = now_ms + DELAY_MS;
		cnt++;
	}
}

static void
deliver(void)
{
	const struct flight *f = &wire[head];
	uint32_t n = (uint32_t)f->packet.to.ip[2] << 8 | f->packet.to.ip[3];
	uint64_t begin = n == 0 ? cpu_now() : 0;

	dht_node_receive(nodes[n], &f->from, f->packet.bytes, f->packet.len, now_ms);
	if (n == 0)
		cpu_ns += cpu_now() - begin;
	head = (head + 1) % WIRE_MAX;
	cnt--;
	taken(n);
}

static void
step(void)
{
	while (cnt > 0 && wire[head].at_ms <= now_ms)
		deliver();
	for (uint32_t n = 0; n < NODES; n++) {
		uint64_t begin = n == 0 ? cpu_now() : 0;
		dht_node_run(nodes[n], now_ms);
		if (n == 0)
			cpu_ns += cpu_now() - begin;
		taken(n);
	}
	now_ms += STEP_MS;
}

static long
resident_kib(void)
{
	long pages = 0, skipped;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL || fscanf(file, "%ld %ld", &skipped, &pages) != 2)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
nodes_create(void)
{
	for (uint32_t n = 0; n < NODES; n++) {
		struct dht_node_env env = {
			.own = address_of(n),
			.peer_port = 6881,
			.rate = n == 0 ? 2000 : 0,
			.lookups_max = n == 0 ? LOOKUPS : 8,
			.cache_bits = n == 0 ? 14 : 8,
			.seed = n + 1,
		};
		if (dht_node_create(&nodes[n], &env, now_ms) != 0)
			abort();
	}
	for (uint32_t n = 1; n < NODES; n++) {
		struct dht_address router = address_of(n / 2);
		dht_node_hint(nodes[n], &router, now_ms);
		taken(n);
		for (int i = 0; i < 10; i++)
			step();
	}
	for (int i = 0; i < 12000; i++)
		step();
}

static uint32_t
announce_all(uint8_t (*info_hashes)[DHT_ID_LEN])
{
	struct dht_result result;
	uint32_t begun = 0, ended = 0, stored = 0;
	int64_t begun_ms = now_ms;

	while (ended < ANNOUNCES) {
		uint64_t begin = cpu_now();
		int64_t due = (now_ms - begun_ms) * PER_S / 1000;
		due = due < ANNOUNCES ? due : ANNOUNCES;
		for (; begun < due && dht_node_ready(nodes[0], now_ms); begun++)
			dht_node_announce(nodes[0], info_hashes[begun], true, begun, now_ms);
		for (; dht_node_result(nodes[0], &result); ended++)
			stored += result.stored_cnt;
		cpu_ns += cpu_now() - begin;
		taken(0);
		step();
	}
	return stored;
}

int
main(void)
{
	static uint8_t info_hashes[ANNOUNCES][DHT_ID_LEN];
	struct dht_node_status before, after;
	struct dht_random random = {.seed = 42};

	wire = calloc(WIRE_MAX, sizeof(*wire));
	if (wire == NULL)
		return EXIT_FAILURE;
	dht_random_fill(&random, info_hashes[0], sizeof(info_hashes));
	nodes_create();
	dht_node_status(nodes[0], &before, now_ms);
	long before_kib = resident_kib();
	int64_t begun_ms = now_ms;
	cpu_ns = 0;
	uint32_t stored = announce_all(info_hashes);
	dht_node_status(nodes[0], &after, now_ms);
	uint64_t asked = after.counter[DHT_CTR_asked] - before.counter[DHT_CTR_asked];
	uint64_t bytes = after.counter[DHT_CTR_sent_bytes] - before.counter[DHT_CTR_sent_bytes];
	uint64_t got = after.counter[DHT_CTR_received_bytes] - before.counter[DHT_CTR_received_bytes];
	printf("nodes                     %d, %u known\n", NODES, after.good_cnt);
	printf("announces                 %d, by %.2f nodes stored\n", ANNOUNCES,
	       (double)stored / ANNOUNCES);
	printf("queries an announce       %.1f\n", (double)asked / ANNOUNCES);
	printf("bytes an announce         %.0f sent, %.0f received\n", (double)bytes / ANNOUNCES,
	       (double)got / ANNOUNCES);
	printf("CPU an announce           %.1f us, %.2f us a packet\n",
	       (double)cpu_ns / 1000 / ANNOUNCES, (double)cpu_ns / 1000 / (2 * (double)asked));
	printf("announces a second        %.1f with %d ms there and back; a whole CPU could %.0f\n",
	       ANNOUNCES * 1000.0 / (double)(now_ms - begun_ms), 2 * DELAY_MS,
	       ANNOUNCES * 1e9 / (double)cpu_ns);
	printf("memory                    %ld KiB of all nodes grown by %ld KiB\n", before_kib,
	       resident_kib() - before_kib);
	return EXIT_SUCCESS;
}
