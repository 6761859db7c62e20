/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the DHT keeps over restarts, and with whom it begins. */
#include "control/dht/dht_state.h"

#include "control/base/log.h"

#include <stdlib.h>
#include <string.h>

static const char *const keys[DHT_FAMILIES] = {"dht.ipv4", "dht.ipv6"};

void
dht_memory_load(struct dht *dht, int family)
{
	struct fail ignored;
	char *text = NULL;

	if (catalogue_setting_get(dht->registry->catalogue, keys[family], &text, &ignored) == 0)
		dht_saved_read(&dht->family[family].saved, text);
	free(text);
}

void
dht_memory_save(struct dht *dht, int64_t now_ms)
{
	static struct dht_saved saved;
	char text[DHT_SAVED_TEXT_MAX];
	struct dht_node_status status;
	struct fail fail;

	for (int i = 0; i < DHT_FAMILIES; i++) {
		const struct dht_node *node = dht->family[i].node;
		if (node == NULL)
			continue;
		saved.cnt = dht_node_good(node, saved.node, DHT_SAVED_NODES, now_ms);
		if (saved.cnt == 0) /* what was known before is better than nothing */
			continue;
		dht_node_status(node, &status, now_ms);
		memcpy(saved.id, status.id, DHT_ID_LEN);
		dht_saved_write(&saved, text);
		if (catalogue_setting_set(dht->registry->catalogue, keys[i], text, &fail) != 0)
			log_warn("dht_not_saved", "error=%s", LOG_QUOTE(fail.text));
	}
}

static void
family_boot(struct dht *dht, struct dht_family *f, int64_t now_ms)
{
	if (now_ms < f->boot_ms || !dht_node_alone(f->node, now_ms))
		return;
	for (uint32_t i = 0; i < f->saved.cnt; i++)
		dht_node_hint(f->node, &f->saved.node[i].address, now_ms);
	dht_resolve_start(dht->resolve);
	f->boot_wait_ms = f->boot_wait_ms == 0 ? DHT_BOOT_FIRST_MS : 2 * f->boot_wait_ms;
	if (f->boot_wait_ms > DHT_BOOT_MOST_MS)
		f->boot_wait_ms = DHT_BOOT_MOST_MS;
	f->boot_ms = now_ms + f->boot_wait_ms;
}

void
dht_memory_boot(struct dht *dht, int64_t now_ms)
{
	struct dht_address address;

	for (int i = 0; i < DHT_FAMILIES; i++)
		if (dht->family[i].node != NULL)
			family_boot(dht, &dht->family[i], now_ms);
	while (dht_resolve_take(dht->resolve, &address))
		dht_hint(dht, &address);
}
