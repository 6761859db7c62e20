/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* URLs of http (RFC 9110 4.2.1). */
#include "perf/leech_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 256 };

static int
complain(const char *url, const char *what)
{
	fprintf(stderr, "spillway-leech: %s: %s\n", url, what);
	return -1;
}

static int
address_find(struct leech_options *options, char *host, const char *port)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return -1;
	memcpy(&options->peer, found->ai_addr, sizeof(options->peer));
	freeaddrinfo(found);
	return 0;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	return false;
}

int
leech_url_take(struct leech_options *options)
{
	const char *scheme = "http://";
	const char *at = options->url + strlen(scheme);
	char host[HOST_MAX];
	const char *path;
	char *colon;

	if (strncmp(options->url, scheme, strlen(scheme)) != 0 || has_control(options->url))
		return complain(options->url, "expected http://ADDR[:PORT]/PATH");
	path = strchr(at, '/');
	if (path == NULL)
		path = at + strlen(at);
	if ((size_t)(path - at) >= sizeof(host) || strlen(path) >= sizeof(options->http_path))
		return complain(options->url, "too long");
	memcpy(host, at, (size_t)(path - at));
	host[path - at] = '\0';
	snprintf(options->http_host, sizeof(options->http_host), "%s", host);
	snprintf(options->http_path, sizeof(options->http_path), "%s", *path != '\0' ? path : "/");
	colon = strchr(host, ':');
	if (colon != NULL)
		*colon = '\0';
	if (address_find(options, host, colon != NULL ? colon + 1 : "80") != 0)
		return complain(options->url, "the host has no IPv4 address, or no such port");
	return 0;
}

int
leech_url_make(struct leech_options *options, const char *name)
{
	char address[INET_ADDRSTRLEN];
	char *to = options->http_path;
	const char *end = to + sizeof(options->http_path);

	inet_ntop(AF_INET, &options->peer.sin_addr, address, sizeof(address));
	snprintf(options->http_host, sizeof(options->http_host), "%s:%u", address,
		 ntohs(options->peer.sin_port));
	*to++ = '/';
	for (; *name != '\0'; name++) {
		bool plain = isascii(*name) && (isalnum(*name) || strchr("-._~", *name) != NULL);

		if (end - to < 4)
			return complain(name, "too long a name");
		if (plain)
			*to++ = *name;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*name);
	}
	*to = '\0';
	return 0;
}
