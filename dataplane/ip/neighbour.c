/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Asking for next hops. Answering is arp.c's. */
#include "dataplane/ip/neighbour.h"

#include "dataplane/ip/headers.h"

#include <arpa/inet.h>
#include <string.h>

void
neighbours_init(struct neighbours *table, const struct ip_local *local, struct counters *ctr)
{
	memset(table, 0, sizeof(*table));
	table->local = local;
	table->ctr = ctr;
}

/* ---- the table */

static struct neighbour *
entry_of(struct neighbours *table, uint32_t addr_be)
{
	for (uint32_t i = 0; i < NEIGHBOURS_MAX; i++) {
		struct neighbour *entry = &table->entry[i];

		if (entry->state != NEIGHBOUR_NONE && entry->addr_be == addr_be)
			return entry;
	}
	return NULL;
}

static bool
is_given_up(const struct neighbour *entry, uint64_t now_us)
{
	return entry->tries >= NEIGHBOUR_TRIES && entry->due_us <= now_us;
}

static void
give_up(struct neighbours *table, struct neighbour *entry)
{
	entry->state = NEIGHBOUR_NONE;
	table->asked_cnt--;
	count(table->ctr, CTR_arp_unanswered);
}

/* place returns an entry that may be used anew: a free one, or of one that never answered, else the
 * known one that ends first. */
static struct neighbour *
place(struct neighbours *table, uint64_t now_us)
{
	struct neighbour *best = NULL;

	for (uint32_t i = 0; i < NEIGHBOURS_MAX; i++) {
		struct neighbour *entry = &table->entry[i];

		if (entry->state == NEIGHBOUR_ASKED && is_given_up(entry, now_us))
			give_up(table, entry);
		if (entry->state == NEIGHBOUR_NONE)
			return entry;
		if (entry->state == NEIGHBOUR_KNOWN &&
		    (best == NULL || entry->due_us < best->due_us))
			best = entry;
	}
	return best;
}

static enum neighbour_state
ask(struct neighbours *table, struct neighbour *entry, uint32_t addr_be, uint64_t now_us)
{
	*entry = (struct neighbour){
		.addr_be = addr_be, .state = NEIGHBOUR_ASKED, .due_us = now_us,
	};
	table->asked_cnt++;
	return NEIGHBOUR_ASKED;
}

enum neighbour_state
neighbour_find(struct neighbours *table, uint32_t addr_be, uint64_t now_us, uint8_t *mac)
{
	struct neighbour *entry = entry_of(table, addr_be);

	if (entry == NULL) {
		entry = place(table, now_us);
		if (entry != NULL)
			return ask(table, entry, addr_be, now_us);
		count(table->ctr, CTR_arp_full);
		return NEIGHBOUR_NONE;
	}
	if (entry->state == NEIGHBOUR_ASKED) {
		if (!is_given_up(entry, now_us))
			return NEIGHBOUR_ASKED;
		give_up(table, entry);
		return NEIGHBOUR_NONE;
	}
	if (entry->due_us <= now_us)           /* RFC 1122 2.3.2.1: old news */
		return ask(table, entry, addr_be, now_us);
	memcpy(mac, entry->mac, sizeof(entry->mac));
	return NEIGHBOUR_KNOWN;
}

/* ---- frames */

/* is_answer tells whether a frame is an ARP reply to us, from a station. Whether it was asked for
 * is told by the table. */
static bool
is_answer(const struct ip_local *local, const struct pkt_in *pkt)
{
	const struct eth_hdr *eth = (const void *)pkt->data;
	const struct arp_hdr *arp = (const void *)(pkt->data + ETH_HDR_LEN);

	if (pkt->len < ETH_HDR_LEN + sizeof(*arp) || ntohs(eth->type_be) != ETH_TYPE_ARP)
		return false;
	return memcmp(eth->dst, local->mac, sizeof(eth->dst)) == 0 &&
	       ntohs(arp->hrd_be) == ARP_HRD_ETHER && ntohs(arp->pro_be) == ETH_TYPE_IPV4 &&
	       arp->hln == 6 && arp->pln == 4 && ntohs(arp->op_be) == ARP_OP_REPLY &&
	       arp->tpa_be == local->addr_be && (arp->sha[0] & ETH_GROUP_BIT) == 0;
}

bool
neighbour_input(struct neighbours *table, const struct pkt_in *pkt, uint64_t now_us)
{
	const struct arp_hdr *arp = (const void *)(pkt->data + ETH_HDR_LEN);
	struct neighbour *entry;

	if (LIKELY(table->asked_cnt == 0) || !is_answer(table->local, pkt))
		return false;
	entry = entry_of(table, arp->spa_be);
	if (entry == NULL || entry->state != NEIGHBOUR_ASKED || entry->tries == 0)
		return false;
	memcpy(entry->mac, arp->sha, sizeof(entry->mac));
	entry->state = NEIGHBOUR_KNOWN;
	entry->due_us = now_us + NEIGHBOUR_VALID_US;
	table->asked_cnt--;
	count(table->ctr, CTR_arp_learnt);
	return true;
}

static void
request_make(const struct ip_local *local, uint32_t addr_be, struct pkt_out *pkt)
{
	struct eth_hdr *eth = (void *)pkt->hdr;
	struct arp_hdr *arp = (void *)(pkt->hdr + ETH_HDR_LEN);

	memset(pkt, 0, offsetof(struct pkt_out, hdr));
	pkt->hdr_len = ETH_HDR_LEN + sizeof(*arp);
	memset(eth->dst, 0xff, sizeof(eth->dst));
	memcpy(eth->src, local->mac, sizeof(eth->src));
	eth->type_be = htons(ETH_TYPE_ARP);
	*arp = (struct arp_hdr){
		.hrd_be = htons(ARP_HRD_ETHER), .pro_be = htons(ETH_TYPE_IPV4), .hln = 6, .pln = 4,
		.op_be = htons(ARP_OP_REQUEST), .spa_be = local->addr_be, .tpa_be = addr_be,
	};
	memcpy(arp->sha, local->mac, sizeof(arp->sha));
}

uint16_t
neighbour_output(struct neighbours *table, struct pkt_out *pkts, uint16_t max, uint64_t now_us)
{
	uint16_t cnt = 0;

	for (uint32_t i = 0; table->asked_cnt > 0 && i < NEIGHBOURS_MAX && cnt < max; i++) {
		struct neighbour *entry = &table->entry[i];

		if (entry->state != NEIGHBOUR_ASKED || entry->due_us > now_us ||
		    entry->tries >= NEIGHBOUR_TRIES)
			continue;
		request_make(table->local, entry->addr_be, &pkts[cnt++]);
		count(table->ctr, CTR_arp_requests);
		entry->tries++;
		entry->due_us = now_us + NEIGHBOUR_RETRY_US;
	}
	return cnt;
}

uint64_t
neighbour_next_us(const struct neighbours *table)
{
	uint64_t next_us = UINT64_MAX;

	for (uint32_t i = 0; table->asked_cnt > 0 && i < NEIGHBOURS_MAX; i++) {
		if (table->entry[i].state == NEIGHBOUR_ASKED)
			next_us = MIN(next_us, table->entry[i].due_us);
	}
	return next_us;
}
