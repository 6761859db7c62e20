/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Packets between the kernel and a DHT node. */
#include "control/dht/dht_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* One system call's packets. */
struct batch {
	struct mmsghdr header[DHT_BATCH];
	struct iovec vector[DHT_BATCH];
	struct sockaddr_storage name[DHT_BATCH];
};

static int
options_set(int fd, const struct dht_address *address)
{
	int on = 1, bytes = DHT_SOCKET_BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* a smaller one works too */
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	return address->ip_len == 4 ? 0
	                            : setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

int
dht_socket_open(struct dht_socket *sock, const struct dht_address *address, int epoll_fd,
                int64_t rate, struct fail *fail)
{
	int family = address->ip_len == 4 ? AF_INET : AF_INET6;
	struct epoll_event event = {.events = EPOLLIN};
	char text[DHT_ADDRESS_TEXT_MAX];
	struct sockaddr_storage name;
	socklen_t len = dht_address_to_socket(address, &name);

	*sock = (struct dht_socket){.fd = -1, .epoll_fd = epoll_fd};
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_set(fail, errno, "socket: %s", strerror(errno));
	event.data.fd = fd;
	if (options_set(fd, address) != 0 || bind(fd, (struct sockaddr *)&name, len) != 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		int err = errno;
		close(fd);
		return fail_set(fail, err, "UDP %s: %s", dht_address_text(address, text), strerror(err));
	}
	sock->fd = fd;
	dht_rate_begin(&sock->rate, rate, rate / 4 + DHT_BATCH, 0);
	return 0;
}

void
dht_socket_close(struct dht_socket *sock)
{
	if (sock->fd >= 0)
		close(sock->fd); /* which takes it out of the epoll */
	sock->fd = -1;
}

static void
watch_set(struct dht_socket *sock, bool paused)
{
	struct epoll_event event = {.events = paused ? 0 : EPOLLIN, .data.fd = sock->fd};

	if (sock->paused == paused)
		return;
	epoll_ctl(sock->epoll_fd, EPOLL_CTL_MOD, sock->fd, &event);
	sock->paused = paused;
}

/* dropped_count counts what the kernel dropped since the packet before. */
static void
dropped_count(struct dht_socket *sock, struct dht_node *node, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		uint32_t dropped;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&dropped, CMSG_DATA(c), sizeof(dropped));
		dht_node_count(node, DHT_CTR_not_read, dropped - sock->dropped);
		sock->dropped = dropped;
	}
}

/* batch_receive takes up to DHT_BATCH packets. Returns how many. */
static int
batch_receive(struct dht_socket *sock, struct dht_node *node, int64_t now_ms)
{
	static uint8_t bytes[DHT_BATCH][DHT_RECEIVE_MAX + 1]; /* one byte tells what is too long */
	static union {
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
		struct cmsghdr align;
	} control[DHT_BATCH];
	static struct batch b;
	struct dht_address from;

	for (int i = 0; i < DHT_BATCH; i++) {
		b.vector[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof(bytes[i])};
		b.header[i].msg_hdr = (struct msghdr){
			.msg_name = &b.name[i], .msg_namelen = sizeof(b.name[i]),
			.msg_iov = &b.vector[i], .msg_iovlen = 1,
			.msg_control = &control[i], .msg_controllen = sizeof(control[i])};
	}
	int cnt = recvmmsg(sock->fd, b.header, DHT_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < cnt; i++) {
		dropped_count(sock, node, &b.header[i].msg_hdr);
		if (dht_address_of(&from, &b.name[i]))
			dht_node_receive(node, &from, bytes[i], b.header[i].msg_len, now_ms);
	}
	return cnt < 0 ? 0 : cnt;
}

void
dht_socket_receive(struct dht_socket *sock, struct dht_node *node, int64_t now_ms)
{
	for (int i = 0; i < DHT_BATCHES_MAX; i++) {
		if (!dht_rate_has(&sock->rate, DHT_BATCH, now_ms)) {
			watch_set(sock, true);
			return;
		}
		watch_set(sock, false);
		int cnt = batch_receive(sock, node, now_ms);
		dht_rate_take(&sock->rate, cnt, now_ms);
		dht_socket_send(sock, node); /* so that there is room for the next answers */
		if (cnt < DHT_BATCH)
			return;
	}
}

void
dht_socket_send(struct dht_socket *sock, struct dht_node *node)
{
	static struct dht_packet packet[DHT_BATCH];
	static struct batch b;
	int cnt;

	do {
		for (cnt = 0; cnt < DHT_BATCH && dht_node_take(node, &packet[cnt]); cnt++) {
			b.vector[cnt] =
				(struct iovec){.iov_base = packet[cnt].bytes, .iov_len = packet[cnt].len};
			b.header[cnt].msg_hdr = (struct msghdr){
				.msg_name = &b.name[cnt],
				.msg_namelen = dht_address_to_socket(&packet[cnt].to, &b.name[cnt]),
				.msg_iov = &b.vector[cnt], .msg_iovlen = 1};
		}
		for (int sent = 0; sent < cnt;) {
			int n = sendmmsg(sock->fd, b.header + sent, (unsigned)(cnt - sent), MSG_DONTWAIT);
			/* An error is the first one's: no route to it, say. The others go on. */
			if (n <= 0)
				dht_node_count(node, DHT_CTR_unsent, 1);
			sent += n > 0 ? n : 1;
		}
	} while (cnt == DHT_BATCH);
}
