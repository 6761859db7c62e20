/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_stack.h: our own TCP over a port of DPDK as the carrier of connections, for rates that no
 * client of the kernel takes.
 *
 *   leech_stack_turn:  timers → rx_burst → ip → tcp ──bytes──► leech_conn_push
 *                      out[0, out_len) ──► tcp → ip → tx_burst
 *
 * A stack is one queue pair of the port with a TCP of its own; what it sends on that queue, the
 * other end receives on the same one, so that the queue chooses the seeder's worker.
 * Threads. A stack belongs to one thread, which made it.
 * Memory. Taken by the carrier's begin; the connections' by leech_conn_begin.
 */
#ifndef SPILLWAY_PERF_LEECH_STACK_H
#define SPILLWAY_PERF_LEECH_STACK_H

#include "perf/leech_carrier.h"

/* A context's port is set before begin, and open until end has returned. begin asks
 * for the next hop's address, for a few seconds at most. No more than some hundreds connect at
 * once. Threads are lcores of port_env_init. */
extern const struct leech_carrier leech_stack_carrier;

/* leech_stack_settle waits a moment, after end, until the port has given back every buffer of a
 * context's stack. Returns whether it has: the stack may be destroyed while the port is open. */
bool
leech_stack_settle(struct leech_context *context);

/* leech_stack_destroy frees a context's stack, after leech_stack_settle or after the port was
 * closed: until then it may hold buffers of the stack. */
void
leech_stack_destroy(struct leech_context *context);

#endif
