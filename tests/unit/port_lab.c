/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Packets, ports and namespaces for the tests of port. */
#include "tests/unit/port_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LAB_BUF_LEN = 9216,
	LAB_BUFS = LAB_POOL_LEN / LAB_BUF_LEN,
	LAB_SECONDS = 2,
	LAB_PORTS_MAX = 8,
};

struct counters lab_ctr;
static struct {
	struct port_device *device;
	struct port *port;
} lab_ports[LAB_PORTS_MAX];
static struct buf_pool *lab_pool;
static int ns_there = -1;
static int ns_here = -1;

/* net_af_xdp gives neither its socket nor its program back. */
const char *
__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libxdp.so\nleak:libbpf.so\n";
}

void
lab_pool_move(void *memory)
{
	static uint8_t own[LAB_POOL_LEN] __attribute__((aligned(4096)));

	if (lab_pool != NULL)
		buf_pool_destroy(lab_pool);
	lab_pool = buf_pool_create(memory != NULL ? memory : own, LAB_BUF_LEN, LAB_BUFS);
	assert_non_null(lab_pool);
}

static void
env_start(const char *prefix, bool no_huge)
{
	const int cpus[] = {-1, -1};
	struct port_error error = {{0}};

	signal(SIGPIPE, SIG_IGN);
	lab_pool_move(NULL);
	if (port_env_init(prefix, no_huge, cpus, ARRAY_CNT(cpus), &error) < 0)
		fail_msg("%s", error.text);
}

void
lab_env(const char *prefix)
{
	env_start(prefix, true);
}

void
lab_env_huge(const char *prefix)
{
	env_start(prefix, false);
}

static const char huge_cnt_path[] = "/proc/sys/vm/nr_hugepages";

/* huge_add changes the kernel's number of hugepages. Returns false when it did not change. */
static bool
huge_add(int pages)
{
	FILE *file = fopen(huge_cnt_path, "r+");
	int before = 0;
	int after = 0;

	if (file == NULL || fscanf(file, "%d", &before) != 1)
		return false;
	rewind(file);
	fprintf(file, "%d", before + pages);
	fflush(file);
	rewind(file);
	if (fscanf(file, "%d", &after) != 1)
		after = before;
	fclose(file);
	return after == before + pages;
}

/* The test runs in a child, so that the pages are given back however it ends. */
void
lab_huge_take(unsigned mib)
{
	int pages = (int)(mib / 2);
	int status;
	pid_t pid;

	if (!huge_add(pages)) {
		printf("skipped: no %u MiB of hugepages\n", mib);
		exit(LAB_SKIP);
	}
	pid = fork();
	if (pid == 0)
		return;
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	waitpid(pid, &status, 0);
	huge_add(-pages);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

uint32_t lab_address_be;

static struct port_device *
open_device(const char *spec, uint16_t mtu, uint16_t queue_cnt, struct port_error *error)
{
	struct port_config config = {
		.spec = spec,
		.xdp_object = getenv("SPILLWAY_XDP_OBJECT"),
		.address_be = lab_address_be,
		.listen_port = 6881,
		.mtu = mtu,
		.queue_cnt = queue_cnt,
	};

	memset(error, 0, sizeof(*error));
	return port_open(&config, error);
}

struct port_device *
lab_device(const char *spec, uint16_t mtu, uint16_t queue_cnt)
{
	struct port_error error;
	struct port_device *device = open_device(spec, mtu, queue_cnt, &error);

	if (device == NULL)
		fail_msg("%s", error.text);
	return device;
}

struct port *
lab_port(const char *spec, uint16_t mtu)
{
	struct port_device *device = lab_device(spec, mtu, 1);
	size_t i = 0;

	while (i < LAB_PORTS_MAX && lab_ports[i].port != NULL)
		i++;
	assert_true(i < LAB_PORTS_MAX);
	lab_ports[i].device = device;
	lab_ports[i].port = port_queue(device, 0, &lab_ctr);
	assert_int_equal(port_info(lab_ports[i].port)->mtu, mtu);
	return lab_ports[i].port;
}

void
lab_close(struct port *port)
{
	for (size_t i = 0; i < LAB_PORTS_MAX; i++) {
		if (lab_ports[i].port != port)
			continue;
		port_close(lab_ports[i].device);
		lab_ports[i].port = NULL;
		return;
	}
	fail_msg("not a port of lab_port");
}

static void
refused(const char *spec, uint16_t mtu, uint16_t queue_cnt, const char *text)
{
	struct port_error error;

	assert_null(open_device(spec, mtu, queue_cnt, &error));
	if (strstr(error.text, text) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", error.text, text);
	assert_null(strchr(error.text, '\n'));
}

void
lab_refused(const char *spec, uint16_t mtu, const char *text)
{
	refused(spec, mtu, 1, text);
}

void
lab_queues_refused(const char *spec, uint16_t queue_cnt, const char *text)
{
	refused(spec, 1500, queue_cnt, text);
}

static unsigned
scramble(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* span_make adds one span of len bytes, of a pool's buffer or of memory that nobody owns. */
static void
span_make(struct lab_packet *packet, unsigned *seed, uint32_t len)
{
	struct pkt_out *out = &packet->out;
	struct span *span = &out->span[out->span_cnt++];
	bool owned = scramble(seed) % 3 != 0;
	uint8_t *bytes;

	if (owned) {
		span->buf = buf_get(lab_pool);
		assert_non_null(span->buf);
		bytes = span->buf->data + scramble(seed) % 7;
	} else {
		span->buf = NULL;
		bytes = packet->frame + packet->len;
	}
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)scramble(seed);
	span->data = bytes;
	span->len = len;
	out->payload_len += len;
	if (owned)
		memcpy(packet->frame + packet->len, bytes, len);
	packet->len += len;
}

static void
hdr_make(struct lab_packet *packet, unsigned seed)
{
	struct pkt_out *out = &packet->out;

	frame_eth(out->hdr, peer_mac, us_mac, LAB_ETH_TYPE);
	out->l4_off = 34;
	out->csum_off = 50;
	out->hdr_len = (uint16_t)(54 + (seed % 5 == 4 ? 7 : seed % 11 * 4));
	for (uint16_t i = 14; i < out->hdr_len; i++)
		out->hdr[i] = (uint8_t)(seed * 3 + i);
	packet->len = out->hdr_len;
}

/* The field holds the folded sum of the pseudo header, here any number, before; after, the
 * complement of that and of all transport bytes. */
static void
csum_make(struct lab_packet *packet, unsigned pseudo)
{
	struct pkt_out *out = &packet->out;
	unsigned sum;

	memcpy(packet->frame, out->hdr, out->hdr_len);
	put16(out->hdr + out->csum_off, pseudo);
	put16(packet->frame + out->csum_off, pseudo);
	sum = sum16(packet->frame + out->l4_off, packet->len - out->l4_off, 0);
	put16(packet->frame + out->csum_off, ~sum & 0xffff);
}

void
lab_packet_make(struct lab_packet *packet, unsigned seed, uint32_t payload_max)
{
	unsigned state = seed * 2654435761u + 1;
	uint32_t left = seed % 4 == 0 ? payload_max : scramble(&state) % (payload_max + 1);
	unsigned spans = seed % (PKT_SPANS_MAX + 1);

	memset(&packet->out, 0, sizeof(packet->out));
	hdr_make(packet, seed);
	for (unsigned i = 0; i < spans; i++) {
		uint32_t len = i + 1 == spans ? left : scramble(&state) % (left + 1);

		span_make(packet, &state, len);
		left -= len;
	}
	csum_make(packet, scramble(&state) & 0xffff);
}

void
lab_tcp_make(struct lab_packet *packet, unsigned seed, uint32_t payload_len, uint16_t mss)
{
	unsigned state = seed * 2654435761u + 1;
	struct pkt_out *out = &packet->out;
	uint32_t left = payload_len;

	memset(out, 0, sizeof(*out));
	hdr_make(packet, seed);
	out->hdr_len = (uint16_t)(54 + seed % 11 * 4);
	packet->len = out->hdr_len;
	memset(out->hdr + 14, 0, 12);
	put16(out->hdr + 12, 0x0800);
	out->hdr[14] = 0x45;
	put16(out->hdr + 16, (out->hdr_len - 14u + payload_len) & 0xffff);
	out->hdr[23] = 6;
	out->hdr[46] = (uint8_t)((out->hdr_len - 34) * 4);
	out->tso_mss = mss;
	for (uint32_t i = PKT_SPANS_MAX; i > 0; i--) {
		uint32_t most = MIN(left, (uint32_t)LAB_BUF_LEN - 7);
		uint32_t rest = left > (i - 1) * (LAB_BUF_LEN - 7) ? left - (i - 1) * (LAB_BUF_LEN - 7) : 0;
		uint32_t len = i == 1 ? left : rest + scramble(&state) % (most - rest + 1);

		span_make(packet, &state, len);
		left -= len;
	}
	csum_make(packet, sum16(out->hdr + 26, 8, 6 + out->hdr_len - 34u + payload_len));
}

void
lab_packet_release(struct lab_packet *packet)
{
	for (uint16_t i = 0; i < packet->out.span_cnt; i++)
		span_release(&packet->out.span[i]);
}

uint32_t
lab_references(void)
{
	return lab_pool->cnt - lab_pool->free_cnt;
}

void
lab_send(struct port *port, const struct lab_packet *packets, unsigned cnt)
{
	struct pkt_out burst[BURST_MAX];
	time_t until = time(NULL) + LAB_SECONDS;

	for (unsigned sent = 0; sent < cnt;) {
		uint16_t room = port_tx_room(port);
		uint16_t len = (uint16_t)MIN(MIN((unsigned)room, cnt - sent), sent % 17 + 1);

		assert_true(room <= BURST_MAX);
		for (uint16_t i = 0; i < len; i++)
			burst[i] = packets[sent + i].out;
		port_tx_burst(port, burst, len);
		sent += len;
		if (len > 0)
			continue;
		port_tx_flush(port);
		if (time(NULL) > until)
			fail_msg("the port has no room");
	}
}

void
lab_run(const char *format, ...)
{
	char line[512];
	va_list args;
	int ret;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	ret = system(line);
	if (ret != 0)
		fail_msg("%s: exit status %d", line, ret);
}

static void
enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

void
lab_there(void)
{
	enter(ns_there);
}

void
lab_here(void)
{
	enter(ns_here);
}

static int
ns_make(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no right to make a network namespace\n");
		exit(LAB_SKIP);
	}
	fd = open("/proc/self/ns/net", O_RDONLY);
	assert_true(fd >= 0);
	return fd;
}

void
lab_veth(void)
{
	ns_there = ns_make();
	ns_here = ns_make();
	lab_run("ip link set lo up");
	lab_veth_renew(NULL);
}

/* Neither end asks for IPv6 or leaves checksums to the other. */
int
lab_veth_renew(void **state)
{
	(void)state;
	lab_run("ip link del spwT0 2>/dev/null || true");
	lab_run("ip link add spwT0 numrxqueues 2 numtxqueues 2 type veth peer name spwT1 "
	        "numrxqueues 2 numtxqueues 2 netns /proc/%d/fd/%d", getpid(), ns_there);
	lab_veth_widen(1);
	lab_run("sysctl -qw net.ipv6.conf.spwT0.disable_ipv6=1");
	lab_run("ip addr add 10.99.0.1/24 dev spwT0 && ip link set spwT0 up");
	lab_there();
	lab_run("sysctl -qw net.ipv6.conf.spwT1.disable_ipv6=1");
	lab_run("ethtool -K spwT1 tx off tso off gso off >/dev/null");
	lab_run("ip addr add 10.99.0.2/24 dev spwT1 && ip link set spwT1 up");
	lab_here();
	return 0;
}

void
lab_veth_widen(unsigned cnt)
{
	lab_run("ethtool -L spwT0 rx %u tx %u", cnt, cnt);
	lab_there();
	lab_run("ethtool -L spwT1 rx %u tx %u", cnt, cnt);
	lab_here();
}

int
lab_raw(const char *name, unsigned type)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)type),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	int len = 16 << 20;

	assert_true(fd >= 0 && addr.sll_ifindex > 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof(len));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static ssize_t
raw_take(int fd, struct port *port, uint8_t *frame, size_t size)
{
	time_t until = time(NULL) + LAB_SECONDS;
	ssize_t len;

	do {
		port_tx_flush(port);
		len = recv(fd, frame, size, 0);
	} while (len < 0 && time(NULL) <= until);
	return len;
}

void
lab_raw_expect(int fd, struct port *port, const struct lab_packet *packets, unsigned cnt)
{
	static uint8_t frame[LAB_FRAME_MAX + 1];

	for (unsigned i = 0; i < cnt; i++) {
		ssize_t len = raw_take(fd, port, frame, sizeof(frame));

		assert_int_equal(len, packets[i].len);
		assert_memory_equal(frame, packets[i].frame, packets[i].len);
	}
	assert_true(recv(fd, frame, sizeof(frame), 0) < 0);
}

bool
lab_rx(struct port *port, struct pkt_in *pkt)
{
	time_t until = time(NULL) + LAB_SECONDS;
	uint16_t got;

	do
		got = port_rx_burst(port, pkt, 1);
	while (got == 0 && time(NULL) <= until);
	return got == 1;
}
