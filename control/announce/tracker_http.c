/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* libcurl's multi interface, its sockets in an epoll set. */
#include "control/announce/tracker_http.h"

#include "control/base/clock.h"
#include "control/announce/tracker_http_url.h"

#include <curl/curl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 64, /* taken from the epoll set at once */
	IDLE_CONNECTIONS_MAX = 64,
	HTTP_OK = 200,
};

/* A transfer, under way or spare. */
struct transfer {
	struct transfer *next; /* spare ones */
	uint32_t place;        /* in busy */
	struct tracker_http *http;
	CURL *easy;
	struct curl_slist *resolve;
	uint64_t cookie;
	bool is_scrape;
	bool to_loopback;   /* the tracker itself is on this machine */
	bool too_large;
	bool left_machine;  /* a redirect to loopback was refused */
	int bind_errno;
	size_t head_len;
	uint8_t *body;
	size_t body_len;
	size_t body_cap;
	uint32_t hash_cnt;
	uint8_t hash[TRACKER_SCRAPE_MAX][20];
	char error[CURL_ERROR_SIZE];
};

struct tracker_http {
	const struct tracker_self *self;
	CURLM *multi;
	struct transfer *spare;
	struct transfer *busy[TRACKER_HTTP_MAX];
	uint32_t busy_cnt;
	int epoll_fd;
	int64_t timer_ms; /* when libcurl wants to be called; -1: not */
};

/* ---- What libcurl calls. */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct tracker_http *http = ctx;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	(void)socket_ctx;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0)
		epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct tracker_http *http = ctx;

	(void)multi;
	http->timer_ms = timeout_ms < 0 ? -1 : clock_now_ms() + timeout_ms;
	return 0;
}

static size_t
on_head(char *bytes, size_t size, size_t cnt, void *ctx)
{
	struct transfer *transfer = ctx;

	(void)bytes;
	transfer->head_len += size * cnt;
	transfer->too_large = transfer->head_len > TRACKER_HTTP_HEAD_MAX;
	return transfer->too_large ? 0 : size * cnt;
}

static size_t
on_body(char *bytes, size_t size, size_t cnt, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * cnt, need = transfer->body_len + len;

	if (need > TRACKER_REPLY_MAX) {
		transfer->too_large = true;
		return 0;
	}
	if (need > transfer->body_cap) {
		size_t cap = need < 1024 ? 1024 : 2 * need;
		uint8_t *body = realloc(transfer->body, cap);
		if (body == NULL)
			return 0;
		transfer->body = body;
		transfer->body_cap = cap;
	}
	memcpy(transfer->body + transfer->body_len, bytes, len);
	transfer->body_len = need;
	return len;
}

/* is_loopback is true of addresses of this machine to itself; 0.0.0.0 and :: lead there, too. */
static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		uint32_t in = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);
		return in >> 24 == 127 || in >> 24 == 0;
	}
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	bool mapped = IN6_IS_ADDR_V4MAPPED(in6) && (in6->s6_addr[12] == 127 || in6->s6_addr[12] == 0);
	return IN6_IS_ADDR_LOOPBACK(in6) || IN6_IS_ADDR_UNSPECIFIED(in6) || mapped;
}

/* on_open makes a socket that sends from where peers reach us: what a tracker takes as our address
 * is the source of the announce. */
static curl_socket_t
on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = ctx;
	struct sockaddr_in from = {.sin_family = AF_INET};
	int yes = 1;

	(void)purpose;
	if (is_loopback(&address->addr) && !transfer->to_loopback) {
		transfer->left_machine = true;
		return CURL_SOCKET_BAD;
	}
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	from.sin_addr.s_addr = transfer->http->self->bind_be;
	if (address->family == AF_INET && from.sin_addr.s_addr != 0) {
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0) {
			transfer->bind_errno = errno;
			close(fd);
			return CURL_SOCKET_BAD;
		}
	}
	return fd;
}

/* ---- Transfers. */

static void
transfer_free(struct transfer *transfer)
{
	if (transfer == NULL)
		return;
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->resolve);
	free(transfer->body);
	free(transfer);
}

/* options_set sets what is the same in every transfer. */
static void
options_set(const struct tracker_http *http, struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	long timeout_ms = (long)http->self->timeout_ms;
	const char *certificates = getenv("SSL_CERT_FILE");

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* no waiting for its resolver's thread */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)TRACKER_HTTP_REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	                 timeout_ms < TRACKER_HTTP_CONNECT_MS ? timeout_ms
	                                                      : (long)TRACKER_HTTP_CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Spillway/" SPILLWAY_VERSION);
	if (certificates != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
}

/* transfer_get returns a spare transfer or a new one, or NULL. */
static struct transfer *
transfer_get(struct tracker_http *http)
{
	struct transfer *transfer = http->spare;

	if (transfer != NULL) {
		http->spare = transfer->next;
		return transfer;
	}
	transfer = calloc(1, sizeof(*transfer));
	if (transfer == NULL)
		return NULL;
	transfer->http = http;
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL) {
		transfer_free(transfer);
		return NULL;
	}
	options_set(http, transfer);
	return transfer;
}

/* transfer_put keeps a transfer that has ended for the next one. */
static void
transfer_put(struct tracker_http *http, struct transfer *transfer)
{
	curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, NULL);
	curl_slist_free_all(transfer->resolve);
	transfer->resolve = NULL;
	free(transfer->body);
	transfer->body = NULL;
	transfer->next = http->spare;
	http->spare = transfer;
}

/* resolve_set tells libcurl the address, so that it looks nothing up. */
static bool
resolve_set(struct transfer *transfer, const struct tracker_ask *ask)
{
	char entry[TRACKER_HOST_MAX + INET6_ADDRSTRLEN + 16], address[INET6_ADDRSTRLEN];
	const union tracker_address *to = &ask->address;
	bool is_v6 = to->any.sa_family == AF_INET6;
	struct tracker_place place;

	if (tracker_url_parse(&place, ask->url) != 0 ||
	    inet_ntop(to->any.sa_family, is_v6 ? (const void *)&to->in6.sin6_addr : &to->in.sin_addr,
	              address, sizeof(address)) == NULL)
		return false;
	transfer->to_loopback = is_loopback(&to->any);
	if (strchr(place.host, ':') != NULL)
		return true;
	snprintf(entry, sizeof(entry), "+%s:%u:%s%s%s", place.host, place.port, is_v6 ? "[" : "",
	         address, is_v6 ? "]" : "");
	transfer->resolve = curl_slist_append(NULL, entry);
	return transfer->resolve != NULL &&
	       curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, transfer->resolve) == CURLE_OK;
}

static bool
url_set(struct transfer *transfer, const struct tracker_ask *ask)
{
	char *url = tracker_http_url(ask, transfer->http->self);
	bool set = url != NULL && curl_easy_setopt(transfer->easy, CURLOPT_URL, url) == CURLE_OK;

	free(url);
	return set;
}

int
tracker_http_send(struct tracker_http *http, const struct tracker_ask *ask)
{
	struct transfer *transfer = transfer_get(http);

	if (transfer == NULL)
		return -ENOMEM;
	transfer->cookie = ask->cookie;
	transfer->is_scrape = ask->is_scrape;
	transfer->too_large = transfer->left_machine = false;
	transfer->bind_errno = 0;
	transfer->head_len = transfer->body_len = transfer->body_cap = 0;
	transfer->error[0] = '\0';
	transfer->hash_cnt = ask->hash_cnt;
	memcpy(transfer->hash, ask->hash, (size_t)ask->hash_cnt * 20);
	if (!resolve_set(transfer, ask) || !url_set(transfer, ask) ||
	    curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
		transfer_put(http, transfer);
		return -ENOMEM;
	}
	transfer->place = http->busy_cnt;
	http->busy[http->busy_cnt++] = transfer;
	return 0;
}

/* ---- Results. */

/* outcome_of tells whether somebody was there. */
static enum tracker_outcome
outcome_of(CURLcode code)
{
	switch (code) {
	case CURLE_WRITE_ERROR:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PARTIAL_FILE:
	case CURLE_BAD_CONTENT_ENCODING:
		return TRACKER_BAD;
	default:
		return TRACKER_DEAD;
	}
}

static void
failure_tell(struct tracker_result *result, const struct transfer *transfer, CURLcode code)
{
	const char *why = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);

	if (transfer->too_large)
		tracker_fail(result, TRACKER_BAD, "the answer is larger than %d KiB",
		             transfer->head_len > TRACKER_HTTP_HEAD_MAX ? TRACKER_HTTP_HEAD_MAX >> 10
		                                                        : TRACKER_REPLY_MAX >> 10);
	else if (transfer->left_machine)
		tracker_fail(result, TRACKER_BAD, "redirects to this machine's loopback: refused");
	else if (transfer->bind_errno != 0)
		tracker_fail(result, TRACKER_DEAD, "cannot send from the address served: %s",
		             strerror(transfer->bind_errno));
	else
		tracker_fail(result, outcome_of(code), "%s", why);
}

/* status_tell reads an answer by its status: a refusal may come with any. */
static void
status_tell(struct tracker_result *result, const struct transfer *transfer)
{
	curl_off_t retry_s = 0;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->is_scrape)
		tracker_reply_scrape(result, transfer->body, transfer->body_len);
	else
		tracker_reply_http(result, transfer->body, transfer->body_len);
	if (status == HTTP_OK || result->outcome == TRACKER_REFUSED)
		return;
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_s);
	tracker_fail(result, TRACKER_BAD, "HTTP status %ld", status);
	result->retry_s = retry_s > 0 && retry_s < UINT32_MAX ? (uint32_t)retry_s : 0;
}

/* busy_remove takes a transfer from libcurl and off the list. */
static void
busy_remove(struct tracker_http *http, struct transfer *transfer)
{
	struct transfer *last = http->busy[--http->busy_cnt];

	curl_multi_remove_handle(http->multi, transfer->easy);
	http->busy[transfer->place] = last;
	last->place = transfer->place;
}

bool
tracker_http_take(struct tracker_http *http, struct tracker_result *result)
{
	struct transfer *transfer;
	int left;
	CURLMsg *msg = curl_multi_info_read(http->multi, &left);

	if (msg == NULL)
		return false;
	CURLcode code = msg->data.result; /* msg ends with the removal */
	curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer);
	tracker_result_begin(result, transfer->cookie);
	result->hash_cnt = transfer->hash_cnt;
	memcpy(result->hash, transfer->hash, (size_t)transfer->hash_cnt * 20);
	if (code != CURLE_OK)
		failure_tell(result, transfer, code);
	else
		status_tell(result, transfer);
	busy_remove(http, transfer);
	transfer_put(http, transfer);
	return true;
}

/* ---- Lifecycle. */

int
tracker_http_create(struct tracker_http **http, const struct tracker_self *self, struct fail *fail)
{
	struct tracker_http *h = calloc(1, sizeof(*h));

	if (h == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return fail_set(fail, ENOMEM, "out of memory");
	}
	h->self = self;
	h->timer_ms = -1;
	h->multi = curl_multi_init();
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->multi == NULL || h->epoll_fd < 0) {
		tracker_http_destroy(h);
		return fail_set(fail, ENOMEM, "HTTP trackers: out of memory or descriptors");
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
	*http = h;
	return 0;
}

void
tracker_http_destroy(struct tracker_http *http)
{
	struct transfer *transfer;

	if (http == NULL)
		return;
	while (http->busy_cnt > 0) {
		transfer = http->busy[0];
		busy_remove(http, transfer);
		transfer_free(transfer);
	}
	while ((transfer = http->spare) != NULL) {
		http->spare = transfer->next;
		transfer_free(transfer);
	}
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	free(http);
	curl_global_cleanup();
}

int
tracker_http_fd(const struct tracker_http *http)
{
	return http->epoll_fd;
}

int
tracker_http_timeout_ms(const struct tracker_http *http)
{
	if (http->timer_ms < 0)
		return -1;
	int64_t left_ms = http->timer_ms - clock_now_ms();
	return left_ms <= 0 ? 0 : left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

void
tracker_http_run(struct tracker_http *http)
{
	struct epoll_event events[EVENTS_MAX];
	int running;
	int cnt = epoll_wait(http->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < cnt; i++) {
		int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		           (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		           (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(http->multi, events[i].data.fd, mask, &running);
	}
	if (http->timer_ms < 0 || http->timer_ms > clock_now_ms())
		return;
	http->timer_ms = -1;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

bool
tracker_http_full(const struct tracker_http *http)
{
	return http->busy_cnt >= TRACKER_HTTP_MAX;
}
