/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The DHT's sockets and its life. */
#include "control/dht/dht_state.h"

#include "control/base/clock.h"
#include "control/base/log.h"
#include "control/link/preflight.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	V4 = 0,
	V6 = 1,
	EVENTS_MAX = DHT_FAMILIES + 1,
	CACHE_BITS_V4 = 14, /* 3 MiB when all of it is touched */
	CACHE_BITS_V6 = 8,
	LOOKUPS_V6 = 8,
};

/* off leaves the part without anything to do. */
static void
off(struct dht *dht, const char *reason)
{
	snprintf(dht->reason, sizeof(dht->reason), "%.250s", reason);
}

static void
off_log(struct dht *dht, const struct fail *fail)
{
	off(dht, fail->text);
	log_warn("dht_off", "reason=%s", LOG_QUOTE(dht->reason));
}

static uint16_t
own_port(const struct options *options)
{
	int64_t beside = options->listen_port < UINT16_MAX ? options->listen_port + 1
	                                                   : options->listen_port - 1;

	return (uint16_t)(options->dht_port != 0 ? options->dht_port : beside);
}

uint16_t
dht_answering_port(const struct options *options)
{
	return options->dht == OPTION_DHT_YES ? own_port(options) : 0;
}

static uint16_t
peer_port(const struct options *options)
{
	return (uint16_t)(options->announce_port != 0 ? options->announce_port
	                                              : options->listen_port);
}

static int
family_open(struct dht *dht, int family, const struct dht_address *address, struct fail *fail)
{
	struct dht_family *f = &dht->family[family];
	uint32_t rate = (uint32_t)dht->options->dht_rate;
	int64_t now_ms = clock_now_ms();
	struct dht_node_env env = {
		.own = *address,
		.peer_port = peer_port(dht->options),
		.read_only = dht->options->dht == OPTION_DHT_READ_ONLY,
		.rate = rate,
		.ask_per_s = DHT_ASK_PER_S,
		.lookups_max = family == V4 ? DHT_LOOKUPS : LOOKUPS_V6,
		.cache_bits = family == V4 ? CACHE_BITS_V4 : CACHE_BITS_V6,
	};
	int err = dht_socket_open(&f->socket, address, dht->epoll_fd,
	                          (int64_t)rate * DHT_READ_FACTOR, fail);

	if (err != 0)
		return err;
	dht_memory_load(dht, family);
	memcpy(env.id, f->saved.id, DHT_ID_LEN);
	if (dht_node_create(&f->node, &env, now_ms) != 0) {
		dht_socket_close(&f->socket);
		return fail_set(fail, ENOMEM, "out of memory");
	}
	f->boot_ms = now_ms;
	if (dht->family[V4].node != NULL && dht->family[V6].node != NULL)
		dht_node_pair(dht->family[V4].node, dht->family[V6].node);
	char text[DHT_ADDRESS_TEXT_MAX];
	log_info("dht_on", "address=%s%s", dht_address_text(address, text),
	         env.read_only ? " read_only=yes" : "");
	return 0;
}

static int
v4_open(struct dht *dht, struct fail *fail)
{
	struct dht_address address = {.ip_len = 4, .port = dht->port};
	uint32_t address_be;
	int err = preflight_address(dht->options, &address_be, fail);

	if (err != 0)
		return err;
	if (strncmp(dht->options->port, "af_xdp:", 7) == 0)
		snprintf(dht->iface, sizeof(dht->iface), "%s", dht->options->port + 7);
	memcpy(address.ip, &address_be, 4);
	err = family_open(dht, V4, &address, fail);
	if (err == -EADDRNOTAVAIL)
		fail_set(fail, EADDRNOTAVAIL,
		         "the kernel does not own the address served (option port: %s), so other nodes "
		         "would store another", dht->options->port);
	return err;
}

/* v6_find finds a global IPv6 address of the port's interface; false when there is none. One that
 * is only tunnelled (Teredo) is taken for none (BEP 32). */
static bool
v6_find(const struct dht *dht, struct dht_address *address)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
		struct sockaddr_storage name = {0};

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6 ||
		    strcmp(i->ifa_name, dht->iface) != 0)
			continue;
		memcpy(&name, i->ifa_addr, sizeof(struct sockaddr_in6));
		bool teredo, link_local;
		dht_address_of(address, &name);
		teredo = memcmp(address->ip, "\x20\x01\0\0", 4) == 0;
		link_local = address->ip[0] == 0xfe;
		found = address->ip_len == 16 && !teredo && !link_local &&
		        dht_address_scope(address) >= DHT_SCOPE_LOCAL;
	}
	freeifaddrs(all);
	address->port = dht->port;
	return found;
}

/* v6_open begins the IPv6 node once there is an address for it. */
static void
v6_open(struct dht *dht, int64_t now_ms)
{
	struct dht_address address = {0};
	struct fail fail;

	if (dht->family[V6].node != NULL || dht->iface[0] == '\0' || now_ms < dht->iface_ms)
		return;
	dht->iface_ms = now_ms + DHT_IFACE_MS;
	if (v6_find(dht, &address) && family_open(dht, V6, &address, &fail) != 0)
		log_warn("dht_ipv6_off", "reason=%s", LOG_QUOTE(fail.text));
}

/* parts_open makes what the part is made of. */
static int
parts_open(struct dht *dht, struct fail *fail)
{
	struct epoll_event event = {.events = EPOLLIN};
	int64_t now_ms = clock_now_ms();

	dht->port = own_port(dht->options);
	dht->save_ms = now_ms + DHT_SAVE_MS;
	dht->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (dht->epoll_fd < 0)
		return fail_set(fail, errno, "epoll: %s", strerror(errno));
	int err = dht_resolve_create(&dht->resolve, dht->options->dht_bootstrap, fail);
	if (err != 0)
		return err;
	event.data.fd = dht_resolve_fd(dht->resolve);
	epoll_ctl(dht->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
	if (dht_schedule_create(&dht->schedule, now_ms) != 0)
		return fail_set(fail, ENOMEM, "out of memory");
	return v4_open(dht, fail);
}

int
dht_create(struct dht **dht, const struct options *options, struct registry *registry,
           struct fail *fail)
{
	struct dht *d = calloc(1, sizeof(*d));

	*dht = d;
	if (d == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	d->options = options;
	d->registry = registry;
	d->epoll_fd = -1;
	for (int i = 0; i < DHT_FAMILIES; i++)
		d->family[i].socket.fd = -1;
	if (options->dht == OPTION_DHT_NO)
		off(d, "option dht: no");
	else if (parts_open(d, fail) != 0)
		off_log(d, fail);
	return 0;
}

void
dht_destroy(struct dht *dht)
{
	if (dht == NULL)
		return;
	if (dht->reason[0] == '\0')
		dht_memory_save(dht, clock_now_ms());
	for (int i = 0; i < DHT_FAMILIES; i++) {
		if (dht->family[i].node != NULL)
			dht_node_pair(dht->family[i].node, NULL);
		dht_socket_close(&dht->family[i].socket);
		dht_node_destroy(dht->family[i].node);
	}
	dht_schedule_destroy(dht->schedule);
	dht_resolve_destroy(dht->resolve);
	if (dht->epoll_fd >= 0)
		close(dht->epoll_fd);
	free(dht);
}

int
dht_fd(const struct dht *dht)
{
	return dht->reason[0] == '\0' ? dht->epoll_fd : -1;
}

int
dht_timeout_ms(const struct dht *dht)
{
	int timeout_ms = DHT_IDLE_MS;

	if (dht->reason[0] != '\0')
		return -1;
	for (int i = 0; i < DHT_FAMILIES; i++) {
		const struct dht_family *f = &dht->family[i];
		if (f->node == NULL)
			continue;
		int due_ms = f->socket.paused ? DHT_TICK_MS : dht_node_timeout_ms(f->node);
		timeout_ms = due_ms < timeout_ms ? due_ms : timeout_ms;
	}
	return timeout_ms;
}

/* family_log tells the operator what has become of a family. */
static void
family_log(struct dht_family *f, int64_t now_ms)
{
	struct dht_node_status status;
	char text[DHT_ADDRESS_TEXT_MAX];

	if (f->told_ready && f->told_external.ip_len != 0)
		return;
	dht_node_status(f->node, &status, now_ms);
	if (!f->told_ready && status.good_cnt > 0) {
		f->told_ready = true;
		log_info("dht_nodes", "address=%s good=%u", dht_address_text(&status.own, text),
		         status.good_cnt);
	}
	if (f->told_external.ip_len == 0 && status.external.ip_len != 0) {
		f->told_external = status.external;
		log_info("dht_address", "external=%s", dht_address_text(&status.external, text));
	}
}

static void
family_run(struct dht_family *f, bool readable, int64_t now_ms)
{
	if (readable || f->socket.paused)
		dht_socket_receive(&f->socket, f->node, now_ms);
	dht_node_run(f->node, now_ms);
	family_log(f, now_ms);
}

void
dht_run(struct dht *dht)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t now_ms = clock_now_ms();

	if (dht->reason[0] != '\0')
		return;
	int cnt = epoll_wait(dht->epoll_fd, events, EVENTS_MAX, 0);
	v6_open(dht, now_ms);
	for (int i = 0; i < DHT_FAMILIES; i++) {
		struct dht_family *f = &dht->family[i];
		bool readable = false;
		for (int k = 0; k < cnt; k++)
			readable |= events[k].data.fd == f->socket.fd;
		if (f->node != NULL)
			family_run(f, readable, now_ms);
	}
	dht_memory_boot(dht, now_ms);
	dht_feed_run(dht, now_ms);
	for (int i = 0; i < DHT_FAMILIES; i++)
		if (dht->family[i].node != NULL)
			dht_socket_send(&dht->family[i].socket, dht->family[i].node);
	if (now_ms < dht->save_ms)
		return;
	dht->save_ms = now_ms + DHT_SAVE_MS;
	dht_memory_save(dht, now_ms);
}

void
dht_hold(struct dht *dht, bool held)
{
	dht->held = held;
}

void
dht_hint(struct dht *dht, const struct dht_address *address)
{
	if (dht == NULL || dht->reason[0] != '\0')
		return;
	for (int i = 0; i < DHT_FAMILIES; i++)
		if (dht->family[i].node != NULL)
			dht_node_hint(dht->family[i].node, address, clock_now_ms());
}

void
dht_status(const struct dht *dht, struct dht_status *status)
{
	memset(status, 0, sizeof(*status));
	if (dht == NULL)
		return;
	status->on = dht->reason[0] == '\0';
	memcpy(status->reason, dht->reason, sizeof(status->reason));
	if (!status->on)
		return;
	for (int i = 0; i < DHT_FAMILIES; i++) {
		status->there[i] = dht->family[i].node != NULL;
		if (status->there[i])
			dht_node_status(dht->family[i].node, &status->node[i], clock_now_ms());
	}
	status->torrent_cnt = dht_schedule_cnt(dht->schedule, &status->waiting_cnt);
}
