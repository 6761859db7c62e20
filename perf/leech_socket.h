/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_socket.h: the kernel's TCP as the carrier of a connection.
 *
 * A block that nobody verifies is dropped by the kernel (MSG_TRUNC) and never copied.
 * Single thread: context->epoll_fd's. Memory: a socket and what leech_conn_begin takes.
 */
#ifndef SPILLWAY_PERF_LEECH_SOCKET_H
#define SPILLWAY_PERF_LEECH_SOCKET_H

#include "perf/leech_carrier.h"

/* A connect that is refused is no error of open: it is counted when it is known. */
extern const struct leech_carrier leech_socket_carrier;

#endif
