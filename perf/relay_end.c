/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* AF_PACKET in bursts: recvmmsg straight into the packets, sendmmsg straight from them. */
#include "perf/relay_end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONTROL_BYTES = 64 };

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

uint64_t
relay_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* /proc/self/net/dev: "NAME: rx bytes, packets, errs, drop, 4 more; tx bytes, packets, errs, drop".
 * A veth counts at tx what its peer's queue refused. */
static uint64_t
device_drops_read(const char *name)
{
	FILE *f = fopen("/proc/self/net/dev", "r");
	char line[512], *at;
	uint64_t drops = 0;
	size_t len = strlen(name);

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		at = line + strspn(line, " ");
		if (strncmp(at, name, len) == 0 && at[len] == ':')
			sscanf(at + len + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			       &drops);
	}
	fclose(f);
	return drops;
}

static int
option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
socket_prepare(int fd, int index)
{
	struct packet_mreq promiscuous = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};

	if (option_set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) != 0 ||
	    option_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RELAY_SOCKET_BYTES) != 0 ||
	    option_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, RELAY_SOCKET_BYTES) != 0 ||
	    option_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) != 0 ||
	    option_set(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)) != 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

int
relay_end_open(struct relay_end *end, const char *name)
{
	unsigned int index = if_nametoindex(name);

	memset(end, 0, sizeof(*end));
	end->name = name;
	end->fd = index == 0 ? -1 : socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (end->fd < 0 || socket_prepare(end->fd, (int)index) != 0) {
		fprintf(stderr, "spillway-relay: %s: %s\n", name, strerror(errno));
		relay_end_close(end);
		return -1;
	}
	end->device_drop_base = device_drops_read(name);
	return 0;
}

void
relay_end_close(struct relay_end *end)
{
	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
}

static uint64_t
stamp_ns(struct msghdr *message)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	}
	return 0;
}

/* The kernel stamps by the wall clock; what it says is brought to ours by the difference of now,
 * and believed only as far back as the last second. */
static uint64_t
arrival_ns(uint64_t stamp, uint64_t now_ns, uint64_t wall_ns)
{
	if (stamp == 0 || stamp > wall_ns || wall_ns - stamp > 1000000000ull)
		return now_ns;
	return now_ns - (wall_ns - stamp);
}

static void
messages_point(struct mmsghdr *messages, struct iovec *vectors, char (*control)[CONTROL_BYTES],
	       struct relay_packet **packets, uint32_t cnt)
{
	uint32_t i;

	memset(messages, 0, cnt * sizeof(*messages));
	for (i = 0; i < cnt; i++) {
		vectors[i].iov_base = packets[i]->frame;
		vectors[i].iov_len = RELAY_FRAME_BYTES_MAX;
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = control[i];
		messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	}
}

/* Moves the packets that hold a whole frame to the front. */
static int
frames_keep(struct relay_end *end, struct mmsghdr *messages, struct relay_packet **packets, int cnt)
{
	uint64_t now_ns = relay_now_ns();
	uint64_t wall_ns = clock_ns(CLOCK_REALTIME);
	int i, kept = 0;

	for (i = 0; i < cnt; i++) {
		struct relay_packet *packet = packets[i];

		if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
			end->truncated_cnt++;
			continue;
		}
		packet->frame_bytes = messages[i].msg_len;
		packet->arrival_ns =
			arrival_ns(stamp_ns(&messages[i].msg_hdr), now_ns, wall_ns);
		packets[i] = packets[kept];
		packets[kept++] = packet;
	}
	return kept;
}

int
relay_end_take(struct relay_end *end, struct relay_packet **packets, uint32_t cnt)
{
	struct mmsghdr messages[RELAY_BURST_MAX];
	struct iovec vectors[RELAY_BURST_MAX];
	char control[RELAY_BURST_MAX][CONTROL_BYTES];
	int got;

	messages_point(messages, vectors, control, packets, cnt);
	got = recvmmsg(end->fd, messages, cnt, MSG_DONTWAIT, NULL);
	if (got < 0 && errno != EAGAIN && errno != EINTR) {
		fprintf(stderr, "spillway-relay: %s: %s\n", end->name, strerror(errno));
		return -1;
	}
	return got <= 0 ? 0 : frames_keep(end, messages, packets, got);
}

uint32_t
relay_end_give(struct relay_end *end, struct relay_packet *const *packets, uint32_t cnt)
{
	struct mmsghdr messages[RELAY_BURST_MAX];
	struct iovec vectors[RELAY_BURST_MAX];
	uint32_t i;
	int sent;

	memset(messages, 0, cnt * sizeof(*messages));
	for (i = 0; i < cnt; i++) {
		vectors[i].iov_base = packets[i]->frame;
		vectors[i].iov_len = packets[i]->frame_bytes;
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(end->fd, messages, cnt, MSG_DONTWAIT);
	return sent < 0 ? 0 : (uint32_t)sent;
}

void
relay_end_count(struct relay_end *end)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	/* Reading sets the kernel's own count back to zero. */
	if (getsockopt(end->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		end->socket_drop_cnt += stats.tp_drops;
}

uint64_t
relay_end_device_drops(const struct relay_end *end)
{
	uint64_t drops = device_drops_read(end->name);

	return drops > end->device_drop_base ? drops - end->device_drop_base : 0;
}
