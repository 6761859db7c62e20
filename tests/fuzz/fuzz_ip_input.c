/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: every frame that a wire can carry to ip_input. The first byte says what is
 * mended before: bit 0 the IPv4 header checksum, bit 1 the destination addresses, bit 2 an ICMP
 * message's checksum, so that the fuzzer gets past them. Whatever comes out must lie inside the
 * frame, and an answer must itself be sound. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/ip.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ip_local local = {
	.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = 0x0100000a,
};

/* mend_icmp makes the checksum of what the header says is there right, if it is. */
static void
mend_icmp(uint8_t *msg, size_t total_len, size_t hdr_len, size_t room)
{
	uint16_t sum;

	if (total_len < hdr_len + 8 || total_len - hdr_len > room)
		return;
	memset(msg + 2, 0, 2);
	sum = (uint16_t)~csum_fold(csum_add(msg, (uint32_t)(total_len - hdr_len), 0));
	memcpy(msg + 2, &sum, 2);
}

static void
mend(uint8_t *frame, size_t len, uint8_t how)
{
	size_t hdr_len;
	uint16_t sum;

	if (len < IP_PATH_HDR_LEN)
		return;
	if (how & 2) {
		memcpy(frame, local.mac, 6);
		memcpy(frame + 30, &local.addr_be, 4);
	}
	hdr_len = (frame[14] & 15u) * 4;
	if ((how & 1) && len >= ETH_HDR_LEN + hdr_len) {
		memset(frame + 24, 0, 2);
		sum = (uint16_t)~csum_fold(csum_add(frame + ETH_HDR_LEN, (uint32_t)hdr_len, 0));
		memcpy(frame + 24, &sum, 2);
	}
	if ((how & 4) && len >= ETH_HDR_LEN + hdr_len + 8)
		mend_icmp(frame + ETH_HDR_LEN + hdr_len, (size_t)(frame[16] << 8 | frame[17]), hdr_len,
		          len - ETH_HDR_LEN - hdr_len);
}

static void
check_seg(const struct pkt_in *pkt, const struct ip_seg *seg)
{
	struct ip_path path;
	struct pkt_out out;

	dp_assert(seg->l4 >= pkt->data + IP_PATH_HDR_LEN);
	dp_assert(seg->l4 + seg->l4_len <= pkt->data + pkt->len);
	ip_seg_csum_ok(seg);
	ip_path_init(&path, seg);
	ip_path_write(&path, &out, (uint16_t)seg->l4_len, seg->ecn);
	dp_assert(csum_fold(csum_add(out.hdr + ETH_HDR_LEN, IPV4_HDR_LEN, 0)) == 0xffff);
}

/* check_icmp reads the quote again, from the frame's end. */
static void
check_icmp(const struct pkt_in *pkt, const struct ip_seg *seg)
{
	const struct ip_icmp *icmp = &seg->icmp;
	uint32_t seq;

	check_seg(pkt, seg);
	dp_assert(seg->l4_len >= 8 + IPV4_HDR_LEN + 8);
	dp_assert(icmp->type == seg->l4[0] && icmp->code == seg->l4[1]);
	dp_assert(icmp->local_be == local.addr_be && icmp->remote_be != local.addr_be);
	dp_assert(icmp->mtu == 0 || (icmp->type == IP_ICMP_UNREACHABLE &&
	                             icmp->code == IP_ICMP_TOO_BIG));
	dp_assert(icmp->quoted_len >= IPV4_HDR_LEN + 8);
	memcpy(&seq, seg->l4 + 8 + IPV4_HDR_LEN + 4, sizeof(seq));
	dp_assert(seq == __builtin_bswap32(icmp->seq));
}

static void
check_reply(const struct pkt_in *pkt, uint32_t reply_len)
{
	dp_assert(reply_len <= pkt->len && reply_len >= ETH_HDR_LEN + 28);
	dp_assert(memcmp(pkt->data + 6, local.mac, 6) == 0);
	if (pkt->data[13] == 0)
		dp_assert(csum_fold(csum_add(pkt->data + ETH_HDR_LEN, IPV4_HDR_LEN, 0)) == 0xffff);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct counters ctr;
	struct pkt_in pkt = {.len = (uint32_t)(len > 0 ? len - 1 : 0)};
	struct ip_seg seg;
	uint32_t reply_len = 0;

	if (len == 0 || len > 65536)
		return 0;
	pkt.data = malloc(pkt.len + 1 - (pkt.len > 0));
	memcpy(pkt.data, data + 1, pkt.len);
	mend(pkt.data, pkt.len, data[0]);
	switch (ip_input(&local, &ctr, &pkt, &seg, &reply_len)) {
	case IP_TCP:
		check_seg(&pkt, &seg);
		break;
	case IP_ICMP:
		check_icmp(&pkt, &seg);
		break;
	case IP_REPLY:
		check_reply(&pkt, reply_len);
		break;
	case IP_DROP:
		break;
	}
	free(pkt.data);
	return 0;
}
