/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ip_frames.h builds Ethernet frames for tests, with sums of its own: byte by byte, big end first,
 * so that they check those of the code under test. */
#ifndef SPILLWAY_TESTS_UNIT_IP_FRAMES_H
#define SPILLWAY_TESTS_UNIT_IP_FRAMES_H

#include <stdint.h>
#include <string.h>

static const uint8_t us_mac[6] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0, 2};
static const uint8_t us_addr[4] = {10, 0, 0, 1};
static const uint8_t peer_addr[4] = {10, 0, 0, 2};

static inline void
put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline unsigned
get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* sum16 is RFC 1071 the slow way. Returns the folded sum of bytes. */
static inline unsigned
sum16(const uint8_t *bytes, size_t len, unsigned sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (unsigned)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* frame_eth writes an Ethernet header. */
static inline void
frame_eth(uint8_t *frame, const uint8_t *dst, const uint8_t *src, unsigned type)
{
	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	put16(frame + 12, type);
}

/* frame_ip_seal computes the IPv4 header checksum. */
static inline void
frame_ip_seal(uint8_t *frame)
{
	put16(frame + 24, 0);
	put16(frame + 24, ~sum16(frame + 14, (frame[14] & 15u) * 4, 0) & 0xffff);
}

/* frame_ip writes Ethernet and IPv4 headers from the peer to us. Returns the frame's length. */
static inline uint32_t
frame_ip(uint8_t *frame, unsigned opt_len, unsigned proto, unsigned body_len)
{
	frame_eth(frame, us_mac, peer_mac, 0x0800);
	memset(frame + 14, 0, 20);
	memset(frame + 34, 1, opt_len); /* no-operation */
	frame[14] = (uint8_t)(0x45 + opt_len / 4);
	frame[15] = 0x02;
	put16(frame + 16, 20 + opt_len + body_len);
	put16(frame + 18, 0x1234);
	frame[22] = 61;
	frame[23] = (uint8_t)proto;
	memcpy(frame + 26, peer_addr, 4);
	memcpy(frame + 30, us_addr, 4);
	frame_ip_seal(frame);
	return 34 + opt_len + body_len;
}

/* l4_sum is the folded sum of pseudo header and transport bytes: 0xffff when the checksum in
 * them is right. */
static inline unsigned
l4_sum(const uint8_t *src, const uint8_t *dst, const uint8_t *l4, unsigned len)
{
	return sum16(l4, len, sum16(src, 4, 0) + sum16(dst, 4, 0) + 6 + len);
}

#endif
