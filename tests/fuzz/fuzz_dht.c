/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: any packets at a DHT node that has nodes, a lookup under way and peers stored.
 *
 * The input is steps: a byte says what: 0 lets time pass, 1 is a packet of a stranger, 2 one of
 * whom the node has asked last, with the transaction id of that question put in the place of "TID4"
 * and the node's own id in that of "OWNIDOWNIDOWNIDOWNID"; then two bytes of length, then as many
 * bytes. Whatever comes, what is sent is a message, to whom it may be, within the limits, and
 * answers do not exceed questions. */
#include "control/dht/dht_node.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct dht_address own = {.ip = {50, 0, 0, 1}, .ip_len = 4, .port = 6881};
static const struct dht_address router = {.ip = {60, 0, 0, 1}, .ip_len = 4, .port = 6881};

struct run {
	struct dht_node *node;
	int64_t now_ms;
	struct dht_address asked; /* whom the node asked last */
	uint8_t tid[4];
	uint64_t received;
};

static void
check(bool right)
{
	if (!right)
		abort();
}

/* sent looks at all that the node sends, and notes what it asked last. */
static void
sent(struct run *run)
{
	struct dht_packet packet;
	struct dht_message m;

	while (dht_node_take(run->node, &packet)) {
		check(packet.len > 0 && packet.len <= DHT_PACKET_MAX);
		check(packet.to.ip_len == own.ip_len && packet.to.port != 0);
		check(!dht_address_equal(&packet.to, &own));
		check(dht_message_read(&m, packet.bytes, packet.len) == 0);
		if (m.kind != DHT_QUERY)
			continue;
		check(m.tid.len == sizeof(run->tid));
		check(dht_address_scope(&packet.to) == DHT_SCOPE_GLOBAL);
		memcpy(run->tid, m.tid.bytes, sizeof(run->tid));
		run->asked = packet.to;
	}
}

static void
replace(uint8_t *bytes, size_t len, const char *what, const uint8_t *with)
{
	uint8_t *at = memmem(bytes, len, what, strlen(what));

	if (at != NULL)
		memcpy(at, with, strlen(what));
}

static void
packet_take(struct run *run, bool asked, const uint8_t *data, size_t len)
{
	struct dht_address from = asked ? run->asked : router;
	struct dht_node_status status;
	uint8_t *bytes = malloc(len + 1);

	check(bytes != NULL);
	memcpy(bytes, data, len);
	if (!asked && len > 0)
		from.ip[3] = bytes[len / 2];
	dht_node_status(run->node, &status, run->now_ms);
	replace(bytes, len, "TID4", run->tid);
	replace(bytes, len, "OWNIDOWNIDOWNIDOWNID", status.id);
	dht_node_receive(run->node, &from, bytes, len, run->now_ms);
	free(bytes);
	run->received++;
}

static void
steps_take(struct run *run, const uint8_t *data, size_t len)
{
	while (len > 0) {
		uint8_t what = data[0] % 3;
		data++;
		len--;
		if (what == 0) {
			run->now_ms += DHT_IDLE_MS;
		} else if (len >= 2) {
			size_t packet_len = (size_t)data[0] << 8 | data[1];
			data += 2;
			len -= 2;
			packet_len = packet_len < len ? packet_len : len;
			packet_take(run, what == 2, data, packet_len);
			data += packet_len;
			len -= packet_len;
		}
		dht_node_run(run->node, run->now_ms);
		sent(run);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t info_hash[DHT_ID_LEN] = "an info_hash to find";
	struct dht_node_env env = {.own = own, .peer_port = 1, .rate = 2000, .lookups_max = 4,
	                           .cache_bits = 4, .seed = 1};
	struct run run = {.now_ms = 1000, .asked = router};
	struct dht_node_status status;
	struct dht_result result;

	check(dht_node_create(&run.node, &env, run.now_ms) == 0);
	dht_node_hint(run.node, &router, run.now_ms);
	sent(&run);
	steps_take(&run, data, len);
	if (dht_node_ready(run.node, run.now_ms))
		dht_node_announce(run.node, info_hash, true, 1, run.now_ms);
	for (int i = 0; i < 40; i++) {
		run.now_ms += DHT_IDLE_MS;
		dht_node_run(run.node, run.now_ms);
		sent(&run);
	}
	dht_node_status(run.node, &status, run.now_ms);
	check(status.counter[DHT_CTR_received] == run.received);
	check(status.counter[DHT_CTR_answered] <= run.received);
	check(status.counter[DHT_CTR_asked] <= 200 + 200 * run.received);
	while (dht_node_result(run.node, &result))
		check(result.tag == 1);
	dht_node_destroy(run.node);
	return 0;
}
