/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Names of routers. What the thread and its user share is counted: the last of the two frees it. */
#include "control/dht/dht_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	HOST_MAX = 256,
};

struct dht_resolve {
	pthread_mutex_t lock;
	int user_cnt; /* the user, and the thread while it runs */
	bool running;
	int event_fd;
	uint32_t cnt;
	uint32_t taken;
	struct dht_address address[DHT_ROUTER_ADDRESSES_MAX];
	char text[DHT_BOOTSTRAP_MAX];
};

/* router_split reads the first of a list into host and port; returns what follows it, NULL when it
 * is wrong. */
static const char *
router_split(const char *text, char *host, uint16_t *port)
{
	size_t len = strcspn(text, ",");
	const char *colon = memrchr(text, ':', len);
	const char *first = text;
	unsigned long number = 0;
	char *end;

	if (colon == NULL || colon == text)
		return NULL;
	size_t host_len = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		first++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len) != NULL) {
		return NULL;
	}
	number = strtoul(colon + 1, &end, 10);
	if (host_len == 0 || host_len >= HOST_MAX || colon[1] < '0' || colon[1] > '9' ||
	    end != text + len || number < 1 || number > UINT16_MAX)
		return NULL;
	for (size_t i = 0; i < host_len; i++)
		if (first[i] <= ' ' || first[i] > '~')
			return NULL;
	memcpy(host, first, host_len);
	host[host_len] = '\0';
	*port = (uint16_t)number;
	return text[len] == ',' ? text + len + 1 : text + len;
}

int
dht_bootstrap_check(const char *text, struct fail *fail)
{
	char host[HOST_MAX];
	uint16_t port;
	int cnt = 0;

	while (*text != '\0') {
		const char *next = router_split(text, host, &port);
		if (next == NULL || (*next == '\0' && next[-1] == ','))
			return fail_set(fail, EINVAL, "\"%.64s\" is not HOST:PORT", text);
		if (++cnt > DHT_ROUTERS_MAX)
			return fail_set(fail, EINVAL, "more than %d routers", DHT_ROUTERS_MAX);
		text = next;
	}
	return 0;
}

int
dht_resolve_create(struct dht_resolve **resolve, const char *text, struct fail *fail)
{
	struct dht_resolve *r = calloc(1, sizeof(*r));

	*resolve = NULL;
	if (r == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event_fd < 0) {
		int err = errno;
		free(r);
		return fail_set(fail, err, "eventfd: %s", strerror(err));
	}
	pthread_mutex_init(&r->lock, NULL);
	r->user_cnt = 1;
	snprintf(r->text, sizeof(r->text), "%s", text);
	*resolve = r;
	return 0;
}

static void
user_leave(struct dht_resolve *r)
{
	pthread_mutex_lock(&r->lock);
	bool last = --r->user_cnt == 0;
	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&r->lock);
	close(r->event_fd);
	free(r);
}

void
dht_resolve_destroy(struct dht_resolve *resolve)
{
	if (resolve != NULL)
		user_leave(resolve);
}

int
dht_resolve_fd(const struct dht_resolve *resolve)
{
	return resolve->event_fd;
}

static void
address_add(struct dht_resolve *r, const struct addrinfo *info)
{
	struct sockaddr_storage name = {0};

	memcpy(&name, info->ai_addr, info->ai_addrlen);
	pthread_mutex_lock(&r->lock);
	if (r->cnt < DHT_ROUTER_ADDRESSES_MAX && dht_address_of(&r->address[r->cnt], &name))
		r->cnt++;
	pthread_mutex_unlock(&r->lock);
}

static void
router_resolve(struct dht_resolve *r, const char *host, uint16_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found;
	char service[8];

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return;
	for (const struct addrinfo *info = found; info != NULL; info = info->ai_next)
		address_add(r, info);
	freeaddrinfo(found);
}

static void *
resolve_main(void *arg)
{
	struct dht_resolve *r = arg;
	char host[HOST_MAX];
	uint64_t one = 1;
	uint16_t port;

	for (const char *text = r->text; text != NULL && *text != '\0';) {
		text = router_split(text, host, &port);
		if (text != NULL)
			router_resolve(r, host, port);
	}
	pthread_mutex_lock(&r->lock);
	r->running = false;
	pthread_mutex_unlock(&r->lock);
	if (write(r->event_fd, &one, sizeof(one)) < 0) /* full: it is readable anyway */
		one = 0;
	user_leave(r);
	return NULL;
}

void
dht_resolve_start(struct dht_resolve *resolve)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (resolve->text[0] == '\0')
		return;
	pthread_mutex_lock(&resolve->lock);
	bool start = !resolve->running;
	if (start) {
		resolve->running = true;
		resolve->cnt = resolve->taken = 0;
		resolve->user_cnt++;
	}
	pthread_mutex_unlock(&resolve->lock);
	if (!start)
		return;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, resolve_main, resolve) != 0) {
		pthread_mutex_lock(&resolve->lock);
		resolve->running = false;
		resolve->user_cnt--;
		pthread_mutex_unlock(&resolve->lock);
	}
	pthread_attr_destroy(&attributes);
}

bool
dht_resolve_take(struct dht_resolve *resolve, struct dht_address *address)
{
	uint64_t seen;
	bool there;

	if (read(resolve->event_fd, &seen, sizeof(seen)) < 0)
		seen = 0; /* nothing new: what is left is taken all the same */
	pthread_mutex_lock(&resolve->lock);
	there = !resolve->running && resolve->taken < resolve->cnt;
	if (there)
		*address = resolve->address[resolve->taken++];
	pthread_mutex_unlock(&resolve->lock);
	return there;
}
