/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of the test host: one table row per option, and the manual. */
#include "tests/support/tcp_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char host_help[] =
	"tcp_host: a host that speaks Spillway's TCP, told what to do over a unix socket.\n"
	"\n"
	"  tcp_host --port KIND:ARG --address A.B.C.D --socket PATH [OPTION VALUE]...\n"
	"\n"
	"  --port KIND:ARG     af_packet:IFACE, af_xdp:IFACE, tap:NAME, memif:SOCKET, null, ring\n"
	"  --address A.B.C.D   what the host answers to: ARP, ping and TCP. With af_packet and tap\n"
	"                      the kernel must not have it; with af_xdp the interface has it.\n"
	"                      A.B.C.D/LEN says what is on the link, for --gateway [24]\n"
	"  --gateway A.B.C.D   next hop of what is not on the link [all is]\n"
	"  --socket PATH       SOCK_SEQPACKET socket to be commanded by; made anew\n"
	"  --mtu N             bytes of IP packet [1500]\n"
	"  --listen-port N     af_xdp: the local port whose segments come here [6881]\n"
	"  --xdp-object FILE   af_xdp: the XDP program [spillway_xdp.o of the same build]\n"
	"  --cc NAME           congestion control: cubic, bbr, newreno [cubic]\n"
	"  --ecn               agree to ECN (RFC 3168) when the peer offers it\n"
	"  --no-huge           ordinary pages, no hugepages\n"
	"  --help\n"
	"\n"
	"Prints \"ready\" when the port is up; ends on SIGTERM or SIGINT and resets what is open.\n"
	"\n"
	"Send one command a packet; each gets one answer a packet, \"ok ...\" or \"error TEXT\". A\n"
	"command that waits is answered when it is done; send no other before. Up to 16 clients may\n"
	"be connected, each with commands and a current connection of its own (at first: the one\n"
	"that was accepted or connected last), and may come and go.\n"
	"\n"
	"  listen PORT         let connections come to PORT; up to 8 ports; again is ok\n"
	"  accept              waits for one, makes it current: ok ADDR PORT\n"
	"  connect ADDR PORT   opens one, makes it current: ok once it is open; error refused. With\n"
	"                      af_xdp its local port is --listen-port, so one to a remote at a time\n"
	"  write N             sends N zero bytes, N up to 2^40; ok once TCP has taken all\n"
	"  read                waits for bytes: ok N came since the last read; ok 0: the peer's\n"
	"                      FIN; error reset. Bytes are taken as they come, and not kept\n"
	"  shutdown            FIN after what is written; reading goes on\n"
	"  close               FIN after what is written; what comes is dropped\n"
	"  abort               RST\n"
	"  info                ok {JSON}: state, cwnd, ssthresh (bytes), srtt (us), and more with\n"
	"                      units in their names; counters of the whole host\n"
	"  list                a line for each connection: #N ADDR PORT STATE\n"
	"\n"
	"\"#N \" before a command chooses connection N, counted from 1 in the order they opened.\n"
	"\n"
	"  ip link add v0 type veth peer name v1; ip addr add 10.9.0.1/24 dev v1\n"
	"  ip link set v0 up; ip link set v1 up; ethtool -K v1 tx off tso off gso off gro off\n"
	"  tcp_host --port af_packet:v0 --address 10.9.0.2 --socket /tmp/host --no-huge\n"
	"\n"
	"Now \"listen 80\" on /tmp/host lets the kernel connect to 10.9.0.2:80. The other end's\n"
	"offloads must be off: a veth passes on what the kernel left for hardware to finish, and\n"
	"segments without a checksum are dropped.\n";

static int
complain(const char *name, const char *value, const char *expected)
{
	fprintf(stderr, "tcp_host: %s %s: expected %s\n", name, value, expected);
	return -1;
}

static int
number_read(const char *name, const char *value, uint32_t min, uint32_t max, uint16_t *out)
{
	char expected[64];
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && number >= min && number <= max) {
		*out = (uint16_t)number;
		return 0;
	}
	snprintf(expected, sizeof(expected), "a number from %u to %u", min, max);
	return complain(name, value, expected);
}

static int
port_read(struct host_options *options, const char *value)
{
	options->port = value;
	return 0;
}

static int
address_read(struct host_options *options, const char *value)
{
	char text[32];
	char *slash;
	uint16_t len;

	snprintf(text, sizeof(text), "%s", value);
	slash = strchr(text, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (number_read("--address", slash + 1, 1, 32, &len) < 0)
			return -1;
		options->prefix_len = len;
	}
	if (inet_pton(AF_INET, text, &options->address_be) == 1)
		return 0;
	return complain("--address", value, "A.B.C.D");
}

static int
gateway_read(struct host_options *options, const char *value)
{
	if (inet_pton(AF_INET, value, &options->gateway_be) == 1)
		return 0;
	return complain("--gateway", value, "A.B.C.D");
}

static int
socket_read(struct host_options *options, const char *value)
{
	options->socket = value;
	return 0;
}

static int
mtu_read(struct host_options *options, const char *value)
{
	return number_read("--mtu", value, MTU_MIN, MTU_MAX, &options->mtu);
}

static int
listen_port_read(struct host_options *options, const char *value)
{
	return number_read("--listen-port", value, 1, 65535, &options->listen_port);
}

static int
xdp_object_read(struct host_options *options, const char *value)
{
	options->xdp_object = value;
	return 0;
}

static int
cc_read(struct host_options *options, const char *value)
{
	for (enum tcp_cc cc = 0; cc < TCP_CC_CNT; cc++) {
		if (strcmp(value, tcp_cc_name(cc)) != 0)
			continue;
		options->cc = cc;
		return 0;
	}
	return complain("--cc", value, "cubic, bbr or newreno");
}

static const struct option_row {
	const char *name;
	int (*read)(struct host_options *options, const char *value);
} rows[] = {
	{"--port", port_read},
	{"--address", address_read},
	{"--gateway", gateway_read},
	{"--socket", socket_read},
	{"--mtu", mtu_read},
	{"--listen-port", listen_port_read},
	{"--xdp-object", xdp_object_read},
	{"--cc", cc_read},
};

static int
option_take(struct host_options *options, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_CNT(rows); i++) {
		if (strcmp(name, rows[i].name) != 0)
			continue;
		if (value == NULL)
			return complain(name, "", "a value");
		return rows[i].read(options, value);
	}
	fprintf(stderr, "tcp_host: no option %s; see --help\n", name);
	return -1;
}

int
host_options_parse(struct host_options *options, int argc, char **argv)
{
	*options = (struct host_options){
		.prefix_len = 24, .mtu = 1500, .listen_port = 6881,
	};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(host_help, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--no-huge") == 0)
			options->no_huge = true;
		else if (strcmp(argv[i], "--ecn") == 0)
			options->ecn = true;
		else if (option_take(options, argv[i], i + 1 < argc ? argv[i + 1] : NULL) < 0)
			return 2;
		else
			i++;
	}
	if (options->port != NULL && options->address_be != 0 && options->socket != NULL)
		return -1;
	fprintf(stderr, "tcp_host: needs --port, --address and --socket; see --help\n");
	return 2;
}
