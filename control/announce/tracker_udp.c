/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Datagrams to and from trackers: one socket a family, questions found by transaction id. */
#include "control/announce/tracker_udp.h"

#include "control/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUCKETS = 1024,
	DATAGRAM_MAX = 65536,
	QUESTION_HEAD = 16, /* connection id, action, transaction id */
	QUESTION_MAX = 98 + TRACKER_URL_MAX + 2 * (TRACKER_URL_MAX / 255 + 1) + 1,
	OPTION_END = 0,      /* BEP 41 */
	OPTION_URL = 2,
	OPTION_LEN_MAX = 255,
};
static_assert(QUESTION_MAX > 16 + 20 * TRACKER_SCRAPE_MAX, "room for a scrape, too");

#define PROTOCOL_ID UINT64_C(0x41727101980)

/* A question that waits for its answer, or whose result waits to be taken. */
struct question {
	struct question *next; /* in its bucket, or of the results */
	uint64_t cookie;
	uint32_t transaction;
	enum tracker_action action;
	uint32_t send_cnt;
	int send_errno;              /* why it could not be sent at all, or 0 */
	int64_t due_ms;              /* when it is sent again, or given up */
	int64_t connection_until_ms; /* 0 of a connect */
	union tracker_address address;
	uint32_t len;
	uint8_t bytes[];
};

struct tracker_udp {
	const struct tracker_self *self;
	int epoll_fd;
	int fd4;
	int fd6; /* -1 where there is no IPv6 */
	uint32_t cnt;
	int64_t due_ms; /* of the first question due; INT64_MAX for none; may be too early */
	struct question *bucket[BUCKETS];
	struct question *given_up; /* results: no answer, or TRACKER_AGAIN */
	uint32_t batch_left; /* datagrams that may still be taken before the next tracker_udp_run */
	uint8_t datagram[DATAGRAM_MAX];
};

/* ---- Writing. */

struct writer {
	uint8_t *bytes;
	uint32_t len;
};

static void
put(struct writer *w, const void *bytes, size_t len)
{
	memcpy(w->bytes + w->len, bytes, len);
	w->len += (uint32_t)len;
}

static void
put_u32(struct writer *w, uint32_t value)
{
	uint32_t be = htonl(value);

	put(w, &be, sizeof(be));
}

static void
put_u64(struct writer *w, uint64_t value)
{
	put_u32(w, (uint32_t)(value >> 32));
	put_u32(w, (uint32_t)value);
}

/* put_url appends path and query as options (BEP 41). */
static void
put_url(struct writer *w, const char *url)
{
	struct tracker_place place;
	size_t left = tracker_url_parse(&place, url) == 0 ? strcspn(place.rest, "#") : 0;

	if (left == 0)
		return;
	for (const char *rest = place.rest; left > 0;) {
		uint8_t head[2] = {OPTION_URL, (uint8_t)(left < OPTION_LEN_MAX ? left : OPTION_LEN_MAX)};
		put(w, head, sizeof(head));
		put(w, rest, head[1]);
		rest += head[1];
		left -= head[1];
	}
	put(w, &(uint8_t){OPTION_END}, 1);
}

static void
put_announce(struct writer *w, const struct tracker_ask *ask, const struct tracker_self *self)
{
	bool is_v6 = ask->address.any.sa_family == AF_INET6;
	uint16_t port_be = htons(self->port);

	put(w, ask->hash[0], 20);
	put(w, self->peer_id, sizeof(self->peer_id));
	put_u64(w, 0); /* downloaded */
	put_u64(w, ask->left_bytes);
	put_u64(w, ask->uploaded_bytes);
	put_u32(w, ask->event == TRACKER_EVENT_PAUSED ? TRACKER_EVENT_NONE : ask->event);
	put_u32(w, is_v6 ? 0 : ntohl(self->ip_be));
	put_u32(w, self->key);
	put_u32(w, 0); /* num_want */
	put(w, &port_be, sizeof(port_be));
	put_url(w, ask->url);
}

/* ---- Questions. */

static struct question **
bucket_of(struct tracker_udp *udp, uint32_t transaction)
{
	return &udp->bucket[transaction % BUCKETS];
}

static uint32_t
random_u32(void)
{
	uint32_t value = 0;

	while (getrandom(&value, sizeof(value), 0) != sizeof(value))
		continue;
	return value;
}

/* wait_ms returns how long to wait for an answer: sends 1 and 2 take a third and two thirds. */
static int64_t
wait_ms(const struct tracker_udp *udp, uint32_t send_cnt)
{
	int64_t first_ms = udp->self->timeout_ms / 3;

	if (first_ms > TRACKER_UDP_WAIT_MS)
		first_ms = TRACKER_UDP_WAIT_MS;
	return first_ms << (send_cnt - 1);
}

/* question_send sends a question; one that cannot be sent is taken as lost on its way. */
static void
question_send(struct tracker_udp *udp, struct question *q, int64_t now_ms)
{
	bool is_v6 = q->address.any.sa_family == AF_INET6;
	int fd = is_v6 ? udp->fd6 : udp->fd4;

	q->send_cnt++;
	q->due_ms = now_ms + wait_ms(udp, q->send_cnt);
	if (udp->due_ms > q->due_ms)
		udp->due_ms = q->due_ms;
	ssize_t sent = -1;
	for (int i = 0; sent < 0 && i < 2; i++) /* the first error may be of an earlier question */
		sent = sendto(fd, q->bytes, q->len, MSG_DONTWAIT | MSG_NOSIGNAL, &q->address.any,
		              is_v6 ? sizeof(q->address.in6) : sizeof(q->address.in));
	/* Unreachable by any means of ours: waiting does not help. */
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
		q->send_errno = errno;
		q->send_cnt = TRACKER_UDP_SENDS_MAX;
		q->due_ms = udp->due_ms = now_ms;
	}
}

/* question_start sends w as a new question and waits for the answer. */
static int
question_start(struct tracker_udp *udp, const struct question *head, const struct writer *w)
{
	struct question *q = malloc(sizeof(*q) + w->len);

	assert(udp->cnt < TRACKER_UDP_MAX && w->len <= QUESTION_MAX);
	if (q == NULL)
		return -ENOMEM;
	*q = *head;
	q->len = w->len;
	memcpy(q->bytes, w->bytes, w->len);
	q->next = *bucket_of(udp, q->transaction);
	*bucket_of(udp, q->transaction) = q;
	udp->cnt++;
	question_send(udp, q, clock_now_ms());
	return 0;
}

int
tracker_udp_connect(struct tracker_udp *udp, uint64_t cookie, const union tracker_address *address)
{
	uint8_t bytes[QUESTION_MAX];
	struct writer w = {.bytes = bytes};
	struct question head = {
		.cookie = cookie,
		.transaction = random_u32(),
		.action = TRACKER_CONNECT,
		.address = *address,
	};

	put_u64(&w, PROTOCOL_ID);
	put_u32(&w, TRACKER_CONNECT);
	put_u32(&w, head.transaction);
	return question_start(udp, &head, &w);
}

int
tracker_udp_send(struct tracker_udp *udp, const struct tracker_ask *ask,
                 const struct tracker_connection *connection)
{
	uint8_t bytes[QUESTION_MAX];
	struct writer w = {.bytes = bytes};
	struct question head = {
		.cookie = ask->cookie,
		.transaction = random_u32(),
		.action = ask->is_scrape ? TRACKER_SCRAPE : TRACKER_ANNOUNCE,
		.connection_until_ms = connection->until_ms,
		.address = ask->address,
	};

	put_u64(&w, connection->id);
	put_u32(&w, head.action);
	put_u32(&w, head.transaction);
	if (ask->is_scrape)
		put(&w, ask->hash, (size_t)ask->hash_cnt * 20);
	else
		put_announce(&w, ask, udp->self);
	return question_start(udp, &head, &w);
}

/* ---- Answers. */

static bool
same_address(const union tracker_address *a, const union tracker_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr &&
		       a->in.sin_port == b->in.sin_port;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0 &&
	       a->in6.sin6_port == b->in6.sin6_port;
}

/* question_take takes the question out that was sent to an address, or returns NULL. */
static struct question *
question_take(struct tracker_udp *udp, uint32_t transaction, const union tracker_address *to)
{
	for (struct question **link = bucket_of(udp, transaction); *link != NULL;
	     link = &(*link)->next) {
		struct question *q = *link;
		if (q->transaction != transaction || !same_address(&q->address, to))
			continue;
		*link = q->next;
		udp->cnt--;
		return q;
	}
	return NULL;
}

static void
answer_read(struct tracker_udp *udp, const struct question *q, size_t len,
            struct tracker_result *result)
{
	const size_t head_len = QUESTION_HEAD;

	tracker_result_begin(result, q->cookie);
	if (q->action == TRACKER_CONNECT) {
		tracker_reply_connect(result, udp->datagram, len);
		return;
	}
	if (q->action == TRACKER_SCRAPE) {
		result->hash_cnt = (uint32_t)((q->len - head_len) / 20);
		memcpy(result->hash, q->bytes + head_len, (size_t)result->hash_cnt * 20);
	}
	tracker_reply_udp(result, udp->datagram, len, q->action == TRACKER_SCRAPE);
}

/* datagram_take reads one datagram from a socket. Returns its length, -1 when there is none. */
static ssize_t
datagram_take(struct tracker_udp *udp, int fd, union tracker_address *from)
{
	socklen_t from_len = sizeof(*from);

	if (fd < 0 || udp->batch_left == 0)
		return -1;
	memset(from, 0, sizeof(*from));
	ssize_t len = recvfrom(fd, udp->datagram, sizeof(udp->datagram), MSG_DONTWAIT, &from->any,
	                       &from_len);
	udp->batch_left -= len >= 0;
	return len;
}

/* errno_of returns why a datagram came back, 0 when that is not told. */
static int
errno_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err why;
		bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		                (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
		if (!is_error || c->cmsg_len < CMSG_LEN(sizeof(why)))
			continue;
		memcpy(&why, CMSG_DATA(c), sizeof(why));
		return (int)why.ee_errno;
	}
	return 0;
}

/* errors_take gives up questions of which the network says (ICMP) that they do not arrive: it
 * quotes them, transaction id and all. */
static void
errors_take(struct tracker_udp *udp, int fd)
{
	union tracker_address to = {0};
	uint8_t quoted[QUESTION_HEAD], control[256];
	struct iovec iov = {.iov_base = quoted, .iov_len = sizeof(quoted)};

	for (int i = 0; fd >= 0 && i < TRACKER_UDP_BATCH; i++) {
		struct msghdr msg = {
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		uint32_t transaction;
		ssize_t len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (len < 0)
			return;
		if (len < QUESTION_HEAD ||
		    !tracker_reply_transaction(quoted + 8, sizeof(quoted) - 8, &transaction))
			continue;
		struct question *q = question_take(udp, transaction, &to);
		if (q == NULL)
			continue;
		q->send_errno = errno_of(&msg);
		q->send_cnt = TRACKER_UDP_SENDS_MAX;
		q->next = udp->given_up;
		udp->given_up = q;
	}
}

/* given_up_take gives the result of a question without an answer. */
static bool
given_up_take(struct tracker_udp *udp, struct tracker_result *result)
{
	struct question *q = udp->given_up;

	if (q == NULL)
		return false;
	udp->given_up = q->next;
	tracker_result_begin(result, q->cookie);
	if (q->send_cnt < TRACKER_UDP_SENDS_MAX)
		result->outcome = TRACKER_AGAIN;
	else if (q->send_errno != 0)
		tracker_fail(result, TRACKER_DEAD, "cannot be reached: %s", strerror(q->send_errno));
	else
		tracker_fail(result, TRACKER_DEAD, "no answer");
	free(q);
	return true;
}

bool
tracker_udp_take(struct tracker_udp *udp, struct tracker_result *result)
{
	union tracker_address from;
	uint32_t transaction;
	ssize_t len;

	while ((len = datagram_take(udp, udp->fd4, &from)) >= 0 ||
	       (len = datagram_take(udp, udp->fd6, &from)) >= 0) {
		struct question *q = NULL;
		if (tracker_reply_transaction(udp->datagram, (size_t)len, &transaction))
			q = question_take(udp, transaction, &from);
		if (q == NULL)
			continue;
		answer_read(udp, q, (size_t)len, result);
		free(q);
		return true;
	}
	return given_up_take(udp, result);
}

/* ---- Time. */

/* bucket_age looks at the questions of a bucket. */
static void
bucket_age(struct tracker_udp *udp, struct question **link, int64_t now_ms)
{
	while (*link != NULL) {
		struct question *q = *link;
		bool expired = q->connection_until_ms != 0 && now_ms >= q->connection_until_ms;

		if (q->due_ms <= now_ms && (q->send_cnt >= TRACKER_UDP_SENDS_MAX || expired)) {
			*link = q->next;
			q->next = udp->given_up;
			udp->given_up = q;
			udp->cnt--;
			continue;
		}
		if (q->due_ms <= now_ms)
			question_send(udp, q, now_ms);
		else if (q->due_ms < udp->due_ms)
			udp->due_ms = q->due_ms;
		link = &q->next;
	}
}

void
tracker_udp_run(struct tracker_udp *udp)
{
	int64_t now_ms = clock_now_ms();

	udp->batch_left = TRACKER_UDP_BATCH;
	errors_take(udp, udp->fd4);
	errors_take(udp, udp->fd6);
	if (now_ms < udp->due_ms)
		return;
	udp->due_ms = INT64_MAX;
	for (int i = 0; i < BUCKETS; i++)
		bucket_age(udp, &udp->bucket[i], now_ms);
}

int
tracker_udp_timeout_ms(const struct tracker_udp *udp)
{
	if (udp->given_up != NULL)
		return 0;
	if (udp->cnt == 0 || udp->due_ms == INT64_MAX)
		return -1;
	int64_t left_ms = udp->due_ms - clock_now_ms();
	return left_ms <= 0 ? 0 : (int)left_ms;
}

bool
tracker_udp_full(const struct tracker_udp *udp)
{
	return udp->cnt >= TRACKER_UDP_MAX;
}

/* ---- Lifecycle. */

/* socket_open returns a socket in the epoll set, or -1 with errno. */
static int
socket_open(const struct tracker_udp *udp, const union tracker_address *from, socklen_t from_len)
{
	int fd = socket(from->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = {.events = EPOLLIN};
	int yes = 1, bytes = 1 << 20;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (from->any.sa_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof(yes));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes));
	}
	if (bind(fd, &from->any, from_len) == 0 &&
	    epoll_ctl(udp->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

int
tracker_udp_create(struct tracker_udp **udp, const struct tracker_self *self, struct fail *fail)
{
	struct tracker_udp *u = calloc(1, sizeof(*u));
	union tracker_address from = {.in = {.sin_family = AF_INET}};
	union tracker_address from6 = {.in6 = {.sin6_family = AF_INET6}};

	if (u == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	u->self = self;
	u->due_ms = INT64_MAX;
	u->fd4 = u->fd6 = -1;
	u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	from.in.sin_addr.s_addr = self->bind_be;
	u->fd4 = u->epoll_fd < 0 ? -1 : socket_open(u, &from, sizeof(from.in));
	if (u->fd4 < 0) {
		int err = errno;
		tracker_udp_destroy(u);
		return fail_set(fail, err, "UDP trackers: a socket of the address served: %s",
		                strerror(err));
	}
	u->fd6 = socket_open(u, &from6, sizeof(from6.in6));
	*udp = u;
	return 0;
}

static void
list_free(struct question *q)
{
	while (q != NULL) {
		struct question *next = q->next;
		free(q);
		q = next;
	}
}

void
tracker_udp_destroy(struct tracker_udp *udp)
{
	if (udp == NULL)
		return;
	for (int i = 0; i < BUCKETS; i++)
		list_free(udp->bucket[i]);
	list_free(udp->given_up);
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? udp->fd4 : i == 1 ? udp->fd6 : udp->epoll_fd;
		if (fd >= 0)
			close(fd);
	}
	free(udp);
}

int
tracker_udp_fd(const struct tracker_udp *udp)
{
	return udp->epoll_fd;
}
