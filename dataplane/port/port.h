/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* port.h is a network as the dataplane meets it: one DPDK ethdev, whatever its driver, with one
 * queue pair for each worker.
 *
 *   af_xdp:IFACE     our XDP program takes TCP to the peer port; the kernel keeps the rest
 *   af_packet:IFACE  a raw socket; needs an address that the kernel does not own
 *   tap:NAME         the kernel is the wire's other end; made here, gone with the port
 *   memif:SOCKET     another DPDK process, for benchmarks; "memif:SOCKET,server" to be the server
 *   vhost-user:SOCKET     the front end (net_virtio_user) of what listens there; ",server" to
 *                         listen. The back end cuts and sums what we send, where it offers that
 *   vhost-backend:SOCKET  the back end (net_vhost), listening; ",client" not to
 *   ring             what is sent comes back (in one process)
 *   ring:NAME        what is sent comes to the other ring of that name (in one process)
 *   null             what is sent is gone, nothing comes
 *
 * The port asks the driver what it can do. Where a driver takes chains of buffers, payload is
 * attached to a header buffer without a copy; where it cannot (net_af_xdp corrupts chains), the
 * payload is copied once into the driver's own buffers and summed in the same pass.
 *
 * What the drivers of DPDK 22.11 do not do:
 *   net_af_xdp  gives an interface free only when the process ends: one port_open for each.
 *               Serves several queues only where they are combined ones, which a veth's are not;
 *               refuses an MTU above 3498, and a veth whose other end has more. A frame that is
 *               longer than the interface's MTU (LRO, GRO) is lost.
 *   net_tap     takes no MTU above 1500, and has one queue. Sums odd segments wrong: we sum.
 *   net_memif   may end a server whose client leaves, or a process that closes both ends at once:
 *               its own thread frees what the poller uses. A client needs its server first, and
 *               does not come back when that went away. Has no descriptor to sleep on.
 *   net_virtio_user  shares hugepages only. As a server it waits for its back end in port_open; as
 *               a client it does not come back when that went away. In one process with its
 *               back end it stands still for ever as soon as memory is taken. Completes what was
 *               sent only when more is: see port_tx_flush. 8 queues at most.
 *   net_vhost   sums odd segments wrong: we sum. Of other protocols than TCP and UDP it finishes
 *               checksums that we were to get unfinished, and writes zero as 0xffff.
 *   net_ring, net_null  have no descriptor to sleep on.
 * A ring's ends pass buffers themselves: both are closed when neither is used any more.
 * Where the kernel answers to the device's address (af_packet, tap), the port has another one
 * derived from it: see port_info.
 *
 * Threads. port_env_*, port_open, port_queue and port_close: the main lcore, at start and at the
 * end. Each struct port then belongs to one worker, on an lcore of port_env_init; workers share
 * nothing, pools included.
 * Memory. Packet buffers from DPDK's pools, taken at open. No heap afterwards.
 * Lifecycle. port_env_init; port_open; port_queue; rx/tx; port_close; port_env_fini.
 */
#ifndef SPILLWAY_DATAPLANE_PORT_PORT_H
#define SPILLWAY_DATAPLANE_PORT_PORT_H

#include "dataplane/base/counters.h"
#include "dataplane/base/pkt.h"

struct port_device; /* the whole device */
struct port;        /* one queue pair of it */

enum { PORT_TEXT_MAX = 128, PORT_ERROR_MAX = 256 };

struct port_error {
	char text[PORT_ERROR_MAX]; /* one line, no newline, for the operator */
};

struct port_config {
	const char *spec;        /* "KIND[:ARG]" as above */
	const char *xdp_object;  /* path of the XDP program; af_xdp only */
	uint32_t address_be;     /* steering: TCP to this address ... */
	uint16_t listen_port;    /* ... and port is ours */
	uint16_t mtu;            /* bytes of IP packet */
	uint16_t queue_cnt;      /* queue pairs, [1, PORT_QUEUES_MAX] */
};

struct port_info {
	uint8_t mac[6];               /* what the port answers to and sends from */
	uint16_t mtu;
	bool zero_copy;               /* payload is attached, not copied */
	bool drained;                 /* another empties a full queue, while we sleep too */
	uint32_t tso_max;             /* payload bytes of one packet that the device segments; 0: no */
	char text[PORT_TEXT_MAX];     /* kind, driver, what it offers */
};

/* port_env_init starts DPDK's environment: --iova-mode=va, in memory, no PCI scan, no telemetry,
 * its log on stderr, one lcore for each worker. Once in a process's life.
 *
 * prefix   runtime name, so that several processes may run.
 * no_huge  ordinary pages; every kind of port but vhost-user works on them. With hugepages a
 *          queue takes about 26 MiB of them at MTU 1500, 80 MiB at 9000, and of vhost-backend 70.
 * cpus     [0, cpu_cnt): each lcore's CPU, or -1: not bound.
 * cpu_cnt  [1, PORT_QUEUES_MAX].
 * Returns 0, or -1 with error filled. The calling thread becomes lcore 0, the main one; the
 * others' threads sleep until port_env_run. */
COLD int
port_env_init(const char *prefix, bool no_huge, const int *cpus, uint32_t cpu_cnt,
              struct port_error *error);

/* port_env_run starts fn(arg) on another lcore.
 *
 * lcore  [1, cpu_cnt); not running anything.
 * Returns 0, or -1: no such lcore, or it runs something. */
COLD int
port_env_run(uint32_t lcore, int (*fn)(void *), void *arg);

/* port_env_wait waits until what port_env_run started on an lcore has returned, and returns its
 * value. Sleeps meanwhile. */
COLD int
port_env_wait(uint32_t lcore);

/* port_env_fini ends it. */
COLD void
port_env_fini(void);

/* port_open makes the device, asks what it can do and starts it with config->queue_cnt queue
 * pairs, each with pools of its own.
 *
 * Returns the device, or NULL with error filled: unknown kind, no such interface, bad argument,
 * driver refused, more queues than the kind has, no memory. */
COLD struct port_device *
port_open(const struct port_config *config, struct port_error *error);

/* port_queue returns a queue pair, for one worker. Call before the first burst.
 *
 * queue  [0, config->queue_cnt).
 * ctr    what it counts into from now on; must outlive the device. */
COLD struct port *
port_queue(struct port_device *device, uint16_t queue, struct counters *ctr);

/* port_arena_alloc gives memory for this queue's payload that the device's other end reads by
 * itself, so that it need not be copied: len bytes at a hugepage's boundary. By its worker, before
 * its first burst; others may do the same at once.
 *
 * Returns NULL where any memory will do or all payload is copied, and when there is not so much;
 * payload elsewhere is copied then. Free with port_arena_free after port_close. */
COLD void *
port_arena_alloc(struct port *port, uint64_t len);

/* port_arena_free frees it. NULL is allowed. */
COLD void
port_arena_free(void *memory);

/* port_close stops the device and frees everything, queue pairs included, when no worker uses
 * them any more. NULL is allowed. */
COLD void
port_close(struct port_device *device);

/* port_gone asks the driver whether the other end went away and cannot come back: memif and
 * vhost-user as clients, which connect once. Another port_open, in another process under a sandbox,
 * may find it again. Not for each turn. */
COLD bool
port_gone(struct port *port);

/* port_info tells what the port is. */
const struct port_info *
port_info(const struct port *port);

/* port_wait_fd returns a descriptor that polls readable when packets have come, so that an idle
 * worker can sleep. Call before each sleep.
 *
 * Returns -1 when the driver has none, or packets may have come meanwhile: look once more. */
int
port_wait_fd(struct port *port);

/* port_rx_burst receives up to max packets. pkts [0, max), max <= BURST_MAX. Returns how many. */
uint16_t
port_rx_burst(struct port *port, struct pkt_in *pkts, uint16_t max);

/* port_rx_free gives received packets back. Those that went to port_tx_reply must not be given. */
void
port_rx_free(struct port *port, struct pkt_in *pkts, uint16_t cnt);

/* port_tx_reply sends a received frame, rewritten in place, and takes it over; leaves
 * pkt->handle NULL. len: bytes, at most what was received. Dropped and counted when twice a burst
 * is waiting already. */
void
port_tx_reply(struct port *port, struct pkt_in *pkt, uint32_t len);

/* port_tx_room returns how many packets port_tx_burst will take now, [0, BURST_MAX]. */
uint16_t
port_tx_room(struct port *port);

/* port_tx_burst takes cnt packets, finishes their checksums and hands them to the device; what
 * the device does not take now stays in the port and goes first at the next call.
 *
 * cnt  [0, port_tx_room()], as it was last returned. A packet is at most an MTU and an Ethernet
 *      header long, or with tso_mss at most tso_max and its headers (asserted). References that
 *      outlast the call are taken by the port. */
void
port_tx_burst(struct port *port, const struct pkt_out *pkts, uint16_t cnt);

/* port_tx_flush offers waiting packets to the device again and lets it complete sent ones. Call
 * when idle, so that references come back. Returns the packets still waiting. */
uint16_t
port_tx_flush(struct port *port);

#endif
