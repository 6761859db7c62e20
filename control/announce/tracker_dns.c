/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Look-ups on detached threads. */
#include "control/announce/tracker_dns.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
	struct lookup *next;
	uint64_t cookie;
	uint16_t port;
	char host[TRACKER_HOST_MAX];
	struct tracker_addresses addresses;
};

struct queue {
	struct lookup *first;
	struct lookup **end;
};

struct tracker_dns {
	pthread_mutex_t lock; /* of all that follows but event_fd */
	struct queue asked;
	struct queue answered;
	uint32_t thread_cnt;
	bool closing; /* the last thread frees */
	int event_fd;
};

static void
queue_init(struct queue *queue)
{
	*queue = (struct queue){.end = &queue->first};
}

static void
queue_put(struct queue *queue, struct lookup *lookup)
{
	lookup->next = NULL;
	*queue->end = lookup;
	queue->end = &lookup->next;
}

static struct lookup *
queue_get(struct queue *queue)
{
	struct lookup *lookup = queue->first;

	if (lookup == NULL)
		return NULL;
	queue->first = lookup->next;
	if (queue->first == NULL)
		queue->end = &queue->first;
	return lookup;
}

int
tracker_dns_create(struct tracker_dns **dns, struct fail *fail)
{
	struct tracker_dns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	queue_init(&d->asked);
	queue_init(&d->answered);
	d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event_fd < 0) {
		int err = errno;
		free(d);
		return fail_set(fail, err, "eventfd: %s", strerror(err));
	}
	pthread_mutex_init(&d->lock, NULL);
	*dns = d;
	return 0;
}

static void
all_free(struct tracker_dns *dns)
{
	struct lookup *lookup;

	while ((lookup = queue_get(&dns->asked)) != NULL)
		free(lookup);
	while ((lookup = queue_get(&dns->answered)) != NULL)
		free(lookup);
	close(dns->event_fd);
	pthread_mutex_destroy(&dns->lock);
	free(dns);
}

void
tracker_dns_destroy(struct tracker_dns *dns)
{
	if (dns == NULL)
		return;
	pthread_mutex_lock(&dns->lock);
	dns->closing = true;
	bool idle = dns->thread_cnt == 0;
	pthread_mutex_unlock(&dns->lock);
	if (idle)
		all_free(dns);
}

int
tracker_dns_fd(const struct tracker_dns *dns)
{
	return dns->event_fd;
}

/* addresses_add takes those of a family. */
static void
addresses_add(struct tracker_addresses *out, const struct addrinfo *list, int family)
{
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		if (a->ai_family != family || out->cnt == TRACKER_DNS_ADDRESSES_MAX ||
		    a->ai_addrlen > sizeof(out->address[0]))
			continue;
		memcpy(&out->address[out->cnt++], a->ai_addr, a->ai_addrlen);
	}
}

static void
look_up(struct lookup *lookup)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char service[8];

	snprintf(service, sizeof(service), "%u", lookup->port);
	int err = getaddrinfo(lookup->host, service, &hints, &list);
	if (err == 0) {
		addresses_add(&lookup->addresses, list, AF_INET);
		addresses_add(&lookup->addresses, list, AF_INET6);
		freeaddrinfo(list);
	}
	if (lookup->addresses.cnt == 0)
		snprintf(lookup->addresses.text, sizeof(lookup->addresses.text),
		         "the name %.64s was not found: %.64s", lookup->host,
		         err != 0 ? gai_strerror(err) : "no address");
}

static void *
thread_run(void *arg)
{
	struct tracker_dns *dns = arg;
	struct lookup *lookup;
	uint64_t one = 1;

	pthread_mutex_lock(&dns->lock);
	while (!dns->closing && (lookup = queue_get(&dns->asked)) != NULL) {
		pthread_mutex_unlock(&dns->lock);
		look_up(lookup);
		pthread_mutex_lock(&dns->lock);
		queue_put(&dns->answered, lookup);
		if (write(dns->event_fd, &one, sizeof(one)) < 0) /* full is readable, too */
			continue;
	}
	bool last = --dns->thread_cnt == 0 && dns->closing;
	pthread_mutex_unlock(&dns->lock);
	if (last)
		all_free(dns);
	return NULL;
}

/* thread_start adds a thread when there may be one more; the lock is held. */
static void
thread_start(struct tracker_dns *dns)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (dns->thread_cnt == TRACKER_DNS_THREADS || pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	if (pthread_create(&thread, &attr, thread_run, dns) == 0)
		dns->thread_cnt++;
	pthread_attr_destroy(&attr);
}

int
tracker_dns_ask(struct tracker_dns *dns, uint64_t cookie, const char *host, uint16_t port)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return -ENOMEM;
	lookup->cookie = cookie;
	lookup->port = port;
	snprintf(lookup->host, sizeof(lookup->host), "%s", host);
	pthread_mutex_lock(&dns->lock);
	queue_put(&dns->asked, lookup);
	thread_start(dns);
	bool nobody = dns->thread_cnt == 0;
	if (nobody)
		queue_init(&dns->asked); /* nothing else can be in it */
	pthread_mutex_unlock(&dns->lock);
	if (nobody)
		free(lookup);
	return nobody ? -EAGAIN : 0;
}

bool
tracker_dns_take(struct tracker_dns *dns, uint64_t *cookie, struct tracker_addresses *addresses)
{
	uint64_t count;

	pthread_mutex_lock(&dns->lock);
	struct lookup *lookup = queue_get(&dns->answered);
	if (lookup == NULL && read(dns->event_fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_unlock(&dns->lock);
	if (lookup == NULL)
		return false;
	*cookie = lookup->cookie;
	*addresses = lookup->addresses;
	free(lookup);
	return true;
}
