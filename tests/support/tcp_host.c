/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_host: from the command line to a host that runs. */
#include "tests/support/tcp_host.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	ZEROS_LEN = 64 * 1024,
	PATH_LEN_MAX = 4096,
};

/* from the folder of this program, in its build directory */
#define HOST_XDP_OBJECT "../dataplane/port/spillway_xdp.o"

static volatile bool stop;
static struct host host;
static uint8_t zeros[ZEROS_LEN];
static char xdp_object[PATH_LEN_MAX];

static void
on_signal(int sig)
{
	(void)sig;
	stop = true;
}

static int
fail(const char *text)
{
	fprintf(stderr, "tcp_host: %s\n", text);
	return 1;
}

/* xdp_object_find returns the XDP program of the build that this program lies in. */
static const char *
xdp_object_find(void)
{
	char self[PATH_LEN_MAX / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len <= 0)
		return NULL;
	self[len] = '\0';
	snprintf(xdp_object, sizeof(xdp_object), "%s/" HOST_XDP_OBJECT, dirname(self));
	return xdp_object;
}

static int
port_make(void)
{
	struct port_config config = {
		.spec = host.options.port,
		.xdp_object = host.options.xdp_object,
		.address_be = host.options.address_be,
		.listen_port = host.options.listen_port,
		.mtu = host.options.mtu,
		.queue_cnt = 1,
	};
	struct port_error why = {{0}};

	if (config.xdp_object == NULL)
		config.xdp_object = xdp_object_find();
	host.device = port_open(&config, &why);
	if (host.device == NULL)
		return fail(why.text);
	host.port = port_queue(host.device, 0, &host.ctr);
	memcpy(host.local.mac, port_info(host.port)->mac, sizeof(host.local.mac));
	host.local.mtu = port_info(host.port)->mtu;
	host.local.addr_be = host.options.address_be;
	host.shares_address = strncmp(host.options.port, "af_xdp:", 7) == 0;
	neighbours_init(&host.neighbours, &host.local, &host.ctr);
	return 0;
}

static int
tcp_make(void)
{
	struct tcp_config config = {
		.local = host.local,
		.connections_max = HOST_CONNECTIONS_MAX,
		.cc = host.options.cc,
		.ecn = host.options.ecn,
		.ctr = &host.ctr,
	};

	if (getrandom(config.secret, sizeof(config.secret), 0) != sizeof(config.secret))
		return fail("no random bytes");
	host.tcp = tcp_create(&config, 1);
	host.zero_pool = buf_pool_create(zeros, ZEROS_LEN, 1);
	if (host.tcp == NULL || host.zero_pool == NULL)
		return fail("no memory");
	host.zeros = buf_get(host.zero_pool);
	return 0;
}

static int
socket_make(void)
{
	int ret = host_clients_init(&host, host.options.socket);

	if (ret == 0)
		return 0;
	fprintf(stderr, "tcp_host: socket %s: %s\n", host.options.socket, strerror(-ret));
	return 1;
}

/* run_down takes down what stands; the port first, which may hold references to the zeros. */
static void
run_down(void)
{
	if (host.tcp != NULL && host.port != NULL)
		host_goodbye(&host);
	host_clients_fini(&host);
	port_close(host.device);
	tcp_destroy(host.tcp);
	if (host.zeros != NULL)
		buf_put(host.zeros);
	buf_pool_destroy(host.zero_pool);
}

static void
signals_init(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int
env_make(void)
{
	struct port_error why = {{0}};
	char prefix[32];
	const int cpu = -1;

	snprintf(prefix, sizeof(prefix), "tcp_host-%d", (int)getpid());
	if (port_env_init(prefix, host.options.no_huge, &cpu, 1, &why) < 0)
		return fail(why.text);
	return 0;
}

int
main(int argc, char **argv)
{
	int status = host_options_parse(&host.options, argc, argv);

	if (status >= 0)
		return status;
	host.stop = &stop;
	host.listen_fd = -1;
	for (uint32_t i = 0; i < HOST_CLIENTS_MAX; i++)
		host.clients[i].fd = -1;
	signals_init();
	prctl(PR_SET_TIMERSLACK, 1000ul);
	if (env_make() != 0)
		return 1;
	status = port_make();
	if (status == 0)
		status = tcp_make();
	if (status == 0)
		status = socket_make();
	if (status == 0) {
		puts("ready");
		fflush(stdout);
		host_run(&host);
	}
	run_down();
	port_env_fini();
	return status;
}
