/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DHT nodes and a network for them. */
#include "tests/unit/dht_lab.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

void
lab_begin(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->now_ms = 1000000;
	lab->lookups_max = 8;
	lab->rate = 2000;
	lab->ask_per_s = DHT_ASK_PER_S;
	lab->wire = calloc(LAB_WIRE_MAX, sizeof(*lab->wire));
	assert_non_null(lab->wire);
}

void
lab_end(struct lab *lab)
{
	for (uint32_t i = 0; i < lab->cnt; i++)
		dht_node_destroy(lab->node[i]);
	free(lab->wire);
}

struct dht_address
lab_address(uint32_t n, bool global)
{
	struct dht_address address = {.ip_len = 4, .port = 6881};

	address.ip[0] = global ? 50 : 10;
	address.ip[1] = (uint8_t)(n >> 8);
	address.ip[2] = (uint8_t)n;
	address.ip[3] = 7;
	return address;
}

uint32_t
lab_add(struct lab *lab, bool global)
{
	uint32_t n = lab->cnt++;
	struct dht_node_env env = {
		.own = lab_address(n, global),
		.peer_port = (uint16_t)(7000 + n),
		.read_only = lab->read_only,
		.rate = lab->rate,
		.ask_per_s = lab->ask_per_s,
		.lookups_max = lab->lookups_max,
		.cache_bits = 8,
		.seed = n + 1,
	};

	assert_true(n < LAB_NODES_MAX);
	lab->address[n] = env.own;
	assert_int_equal(dht_node_create(&lab->node[n], &env, lab->now_ms), 0);
	return n;
}

static void
wire_take(struct lab *lab, uint32_t n)
{
	struct dht_packet packet;

	while (dht_node_take(lab->node[n], &packet)) {
		assert_true(lab->wire_cnt < LAB_WIRE_MAX);
		struct lab_packet *p = &lab->wire[(lab->head + lab->wire_cnt++) % LAB_WIRE_MAX];
		p->from = lab->address[n];
		p->at_ms = lab->now_ms + LAB_DELAY_MS;
		p->packet = packet;
		lab->packet_cnt++;
	}
}

static void
wire_deliver(struct lab *lab, const struct lab_packet *p)
{
	for (uint32_t i = 0; i < lab->cnt; i++) {
		if (lab->dead[i] || !dht_address_equal(&lab->address[i], &p->packet.to))
			continue;
		dht_node_receive(lab->node[i], &p->from, p->packet.bytes, p->packet.len, lab->now_ms);
		wire_take(lab, i);
		return;
	}
}

void
lab_run(struct lab *lab, int64_t ms)
{
	for (int64_t end_ms = lab->now_ms + ms; lab->now_ms < end_ms; lab->now_ms += LAB_STEP_MS) {
		while (lab->wire_cnt > 0 && lab->wire[lab->head].at_ms <= lab->now_ms) {
			struct lab_packet p = lab->wire[lab->head];
			lab->head = (lab->head + 1) % LAB_WIRE_MAX;
			lab->wire_cnt--;
			wire_deliver(lab, &p);
		}
		for (uint32_t i = 0; i < lab->cnt; i++) {
			if (lab->dead[i])
				continue;
			dht_node_run(lab->node[i], lab->now_ms);
			wire_take(lab, i);
		}
	}
}

void
lab_meet(struct lab *lab)
{
	for (uint32_t i = 1; i < lab->cnt; i++) {
		dht_node_hint(lab->node[i], &lab->address[0], lab->now_ms);
		lab_run(lab, 200);
	}
	lab_run(lab, 60000);
}

struct dht_node_status
lab_status(const struct lab *lab, uint32_t n)
{
	struct dht_node_status status;

	dht_node_status(lab->node[n], &status, lab->now_ms);
	return status;
}

uint32_t
lab_announce(struct lab *lab, uint32_t n, const uint8_t *info_hash)
{
	return lab_announce_as(lab, n, info_hash, true);
}

uint32_t
lab_announce_as(struct lab *lab, uint32_t n, const uint8_t *info_hash, bool seed)
{
	struct dht_result result;

	assert_true(dht_node_ready(lab->node[n], lab->now_ms));
	dht_node_announce(lab->node[n], info_hash, seed, 7, lab->now_ms);
	for (int i = 0; i < 6000; i++) {
		lab_run(lab, LAB_STEP_MS);
		if (!dht_node_result(lab->node[n], &result))
			continue;
		assert_int_equal(result.tag, 7);
		assert_memory_equal(result.info_hash, info_hash, DHT_ID_LEN);
		return result.stored_cnt;
	}
	fail_msg("an announce does not end");
	return 0;
}

const uint8_t *
lab_send(struct lab *lab, uint32_t n, const struct dht_address *from, struct dht_span bytes,
         size_t *len)
{
	static struct dht_packet answer;
	struct dht_packet packet;

	wire_take(lab, n);
	*len = 0;
	dht_node_receive(lab->node[n], from, bytes.bytes, bytes.len, lab->now_ms);
	while (dht_node_take(lab->node[n], &packet)) {
		if (!dht_address_equal(&packet.to, from))
			continue;
		answer = packet;
		*len = answer.len;
	}
	return answer.bytes;
}

const uint8_t *
lab_ask(struct lab *lab, uint32_t n, const struct dht_address *from, const struct dht_ask *ask,
        size_t *len)
{
	struct dht_packet packet;

	dht_write_ask(&packet, ask);
	return lab_send(lab, n, from, (struct dht_span){packet.bytes, packet.len}, len);
}
