/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_host.h is a host that speaks TCP by dataplane/tcp and runs a trivial application, so that
 * tools which know nothing of what the stack was made for can drive it.
 *
 *     client ── SOCK_SEQPACKET, text ──► tcp_host ── tcp/, ip/, port/ ──► wire
 *
 * A client sends one command a packet and gets one answer a packet, "ok ..." or "error TEXT"; a
 * command that has to wait is answered when it is done, and the client sends no other until then.
 * Several clients may be connected; each has its own current connection. The commands stand in
 * host_help (tcp_host_options.c), which --help prints.
 *
 * Threads. One. Memory. Taken at start.
 */
#ifndef SPILLWAY_TESTS_SUPPORT_TCP_HOST_H
#define SPILLWAY_TESTS_SUPPORT_TCP_HOST_H

#include "dataplane/ip/neighbour.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"

enum {
	HOST_CONNECTIONS_MAX = 256,
	HOST_CONNS_MAX = 512,      /* with those that have ended and can still be asked about */
	HOST_CLIENTS_MAX = 16,
	HOST_ANSWER_MAX = 16384,
	HOST_COMMAND_MAX = 256,
};

struct host_options {
	const char *port;
	const char *socket;
	const char *xdp_object;
	enum tcp_cc cc;
	uint32_t address_be;
	uint32_t prefix_len;       /* of what is on the link, when there is a gateway */
	uint32_t gateway_be;       /* 0: everything is on the link */
	uint16_t mtu;
	uint16_t listen_port;      /* what af_xdp steers to us */
	bool ecn;
	bool no_huge;
};

enum host_end {
	HOST_OPEN,                 /* it goes on */
	HOST_CLOSED,               /* by both sides */
	HOST_RESET,                /* by the peer */
	HOST_TIMED_OUT,
	HOST_ABORTED,              /* by us */
};

struct host_conn {
	uint32_t number;           /* from 1 up, never used twice; 0: free */
	struct tcb *tcb;           /* NULL: over */
	enum host_end end;
	bool passive;              /* the peer opened it */
	bool established;
	bool accepted;
	bool fin;                  /* the peer's FIN came */
	bool shut;                 /* nothing more is written: FIN is sent, or is once all is */
	bool closed;               /* and nothing is read */
	bool shut_first;           /* our FIN was queued before the peer's came: TIME-WAIT is ours */
	uint64_t to_write_bytes;   /* asked for, not yet handed to TCP */
	uint64_t written_bytes;
	uint64_t unread_bytes;     /* came, not yet told by a read */
	uint64_t read_bytes;       /* came in all */
	uint64_t time_wait_us;     /* when TIME-WAIT ends; 0: not in it */
	struct tcp_info last;      /* what was known when it ended */
};

/* what a client's command waits for */
enum host_wait {
	HOST_WAIT_NOTHING,
	HOST_WAIT_ACCEPT,
	HOST_WAIT_WRITE,
	HOST_WAIT_READ,
	HOST_WAIT_HOP,             /* to connect: the next hop is asked for */
	HOST_WAIT_CONNECT,
};

struct host_client {
	int fd;                    /* -1: free */
	uint32_t current;          /* number of a connection; 0: the host's latest */
	enum host_wait wait;
	struct host_conn *conn;    /* that it waits for */
	uint32_t number;           /* conn's, when it began to wait */
	struct tcp_remote remote;  /* that it connects to */
	uint64_t asked_us;         /* when the kernel was asked for the next hop; 0: not yet */
};

struct host {
	struct host_options options;
	const volatile bool *stop;
	uint64_t now_us;
	struct port_device *device;
	struct port *port;
	struct ip_local local;
	bool shares_address;       /* the kernel has the address too, and its ARP (af_xdp) */
	struct neighbours neighbours;
	struct tcp_stack *tcp;
	struct counters ctr;
	struct buf_pool *zero_pool;
	struct buf *zeros;
	struct host_conn conns[HOST_CONNS_MAX];
	uint32_t last_number;
	uint32_t latest;           /* accepted or connected last */
	uint32_t unaccepted_cnt;
	uint32_t writer_cnt;       /* connections with to_write_bytes > 0 */
	int listen_fd;
	struct host_client clients[HOST_CLIENTS_MAX];
	uint64_t polled_us;        /* when the clients were last looked at */
	uint32_t idle_cnt;
};

/* ---- tcp_host_options.c */

/* host_options_parse reads the command line. Returns -1 to go on, else the exit status: help was
 * wanted, or what is wrong has been told. */
int
host_options_parse(struct host_options *options, int argc, char **argv);

/* ---- tcp_host_conn.c */

/* host_events acts on a connection's events (enum tcp_event). why: how it ended, if it did. */
void
host_events(struct host *host, struct tcb *tcb, uint32_t events, enum host_end why);

/* host_pump hands TCP what connections have to write. */
void
host_pump(struct host *host);

/* host_write adds to what a connection has to write. */
void
host_write(struct host *host, struct host_conn *conn, uint64_t bytes);

/* host_shut ends writing, and reading too when closed, once all is written. */
void
host_shut(struct host *host, struct host_conn *conn, bool closed);

/* host_abort resets a connection. */
void
host_abort(struct host *host, struct host_conn *conn);

/* host_conn_find returns the connection of a number, or NULL. */
struct host_conn *
host_conn_find(struct host *host, uint32_t number);

/* host_conn_accept returns the oldest connection that no accept has told of, or NULL. */
struct host_conn *
host_conn_accept(struct host *host);

/* host_connect begins to connect. Returns NULL when TCP refuses. */
struct host_conn *
host_connect(struct host *host, const struct tcp_remote *remote);

/* ---- tcp_host_hop.c */

/* host_hop_find finds the next hop of client->remote and fills its MAC address when that is
 * NEIGHBOUR_KNOWN. Call again while NEIGHBOUR_ASKED. */
enum neighbour_state
host_hop_find(struct host *host, struct host_client *client);

/* ---- tcp_host_client.c */

/* host_clients_init makes the socket at a path. Returns 0 or a negative errno. */
int
host_clients_init(struct host *host, const char *path);
void
host_clients_fini(struct host *host);

/* host_clients_poll sleeps until a client or the port has something, at most timeout_us, and
 * takes the clients' commands. */
void
host_clients_poll(struct host *host, uint64_t timeout_us);

/* host_clients_wake answers the clients whose wait is over. */
void
host_clients_wake(struct host *host);

/* ---- tcp_host_command.c */

/* host_command carries out one command.
 *
 * answer  out, [0, HOST_ANSWER_MAX): what to send now; empty when the client waits. */
void
host_command(struct host *host, struct host_client *client, char *text, char *answer);

/* host_answer writes the answer to what a client waits for. Returns false: it still waits. */
bool
host_answer(struct host *host, struct host_client *client, char *answer);

/* ---- tcp_host_info.c */

/* host_info writes what is known of a connection as one JSON object. */
void
host_info(struct host *host, const struct host_conn *conn, char *text, size_t size);

/* host_state_name returns a connection's state as RFC 9293 spells it. */
const char *
host_state_name(const struct host *host, const struct host_conn *conn);

/* ---- tcp_host_turn.c */

/* host_run turns until *host->stop. */
void
host_run(struct host *host);

/* host_goodbye resets every connection and lets the resets leave. */
void
host_goodbye(struct host *host);

#endif
