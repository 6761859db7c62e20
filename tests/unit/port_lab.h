/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* port_lab.h is where ports are tested: packets of every shape with the bytes that must come out
 * of the wire, and a veth pair between two network namespaces of the test's own.
 *
 *   namespace "here"                     namespace "there"
 *   port under test ── spwT0 ══ veth ══ spwT1 ── raw socket, kernel
 *   10.99.0.1                                     10.99.0.2
 *
 * The namespaces end with the process. */
#ifndef SPILLWAY_TESTS_UNIT_PORT_LAB_H
#define SPILLWAY_TESTS_UNIT_PORT_LAB_H

#include "dataplane/port/port.h"
#include "tests/unit/ip_frames.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	LAB_FRAME_MAX = 65535,
	LAB_POOL_LEN = (4096 + 256) * 9216,
	LAB_SKIP = 77,       /* exit code: cannot be tested here */
	LAB_ETH_TYPE = 0x88b5, /* IEEE 802 local experimental: no kernel answers */
};

extern struct counters lab_ctr;
extern uint32_t lab_address_be; /* that ports opened from now on serve */

/* struct lab_packet is a packet to send and the frame that it must become. */
struct lab_packet {
	struct pkt_out out;
	uint32_t len;
	uint8_t frame[LAB_FRAME_MAX];
};

/* lab_env starts DPDK without hugepages. Asserts. */
void
lab_env(const char *prefix);

/* lab_huge_take takes so many MiB of hugepages from the kernel until the process has ended; it
 * returns in a child of the process. Exits with LAB_SKIP where there are not so many. */
void
lab_huge_take(unsigned mib);

/* lab_env_huge starts DPDK on hugepages. Asserts. */
void
lab_env_huge(const char *prefix);

/* lab_pool_move makes the packets from now on take their buffers from memory of at least
 * LAB_POOL_LEN bytes; NULL: from the lab's own. None may be in use. */
void
lab_pool_move(void *memory);

/* lab_device opens a device with so many queues and asserts that it opened. */
struct port_device *
lab_device(const char *spec, uint16_t mtu, uint16_t queue_cnt);

/* lab_port opens a device with one queue, asserts that it opened and returns the queue. */
struct port *
lab_port(const char *spec, uint16_t mtu);

/* lab_close closes the device of a port that lab_port returned. */
void
lab_close(struct port *port);

/* lab_refused asserts that a port does not open and that the reason contains a text. */
void
lab_refused(const char *spec, uint16_t mtu, const char *text);

/* lab_queues_refused does the same of a device with so many queues, at MTU 1500. */
void
lab_queues_refused(const char *spec, uint16_t queue_cnt, const char *text);

/* lab_packet_make fills a packet: seed decides the number, length and kind of its spans and its
 * bytes; the headers are Ethernet (type LAB_ETH_TYPE from us to the peer), 20 bytes where IPv4
 * would be, and a transport header of 20 to 60 bytes, or an odd length when seed % 5 is 4.
 * payload_max is the most payload. Spans with a buffer take it from lab_pool. */
void
lab_packet_make(struct lab_packet *packet, unsigned seed, uint32_t payload_max);

/* lab_tcp_make fills a packet that is TCP over IPv4, of payload_len bytes in PKT_SPANS_MAX spans,
 * to be cut into segments of mss bytes, or not if that is 0. */
void
lab_tcp_make(struct lab_packet *packet, unsigned seed, uint32_t payload_len, uint16_t mss);

/* lab_packet_release drops the packet's own references. */
void
lab_packet_release(struct lab_packet *packet);

/* lab_references returns how many buffers of lab_pool are in use. */
uint32_t
lab_references(void);

/* lab_send hands packets to the port, in bursts of different lengths as it has room. */
void
lab_send(struct port *port, const struct lab_packet *packets, unsigned cnt);

/* lab_veth enters two new namespaces and joins them. Exits with LAB_SKIP without the right. */
void
lab_veth(void);

/* lab_veth_renew makes the pair anew, as a cmocka setup function: net_af_xdp keeps an interface
 * that it had until the process ends. Returns 0. */
int
lab_veth_renew(void **state);

/* lab_veth_widen gives both ends of the pair cnt queues, at most two. */
void
lab_veth_widen(unsigned cnt);

/* lab_there and lab_here switch the calling thread's namespace. */
void
lab_there(void);
void
lab_here(void);

/* lab_run runs a shell command line and asserts that it returns 0. */
void
lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* lab_raw opens a non-blocking packet socket on an interface of the present namespace, for one
 * EtherType. */
int
lab_raw(const char *name, unsigned type);

/* lab_raw_expect asserts that exactly these frames arrive at the socket, in order, while the port
 * is flushed. */
void
lab_raw_expect(int fd, struct port *port, const struct lab_packet *packets, unsigned cnt);

/* lab_rx waits for one packet at the port, at most two seconds. False when none came. */
bool
lab_rx(struct port *port, struct pkt_in *pkt);

#endif
