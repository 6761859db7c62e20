/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The token's file. */
#include "control/api/api_token.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TOKEN_BYTES = 32,
};

static int
token_check(const char *path, const char *token, struct fail *fail)
{
	size_t len = strlen(token);

	for (const char *p = token; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == ':')
			return fail_set(fail, EINVAL, "%s: the token has a byte that is not printable, a space "
			                "or a colon", path);
	if (len < HTTP_TOKEN_LEN_MIN || len > HTTP_TOKEN_LEN_MAX)
		return fail_set(fail, EINVAL, "%s: the token has %zu bytes, allowed are %d to %d", path,
		                len, HTTP_TOKEN_LEN_MIN, HTTP_TOKEN_LEN_MAX);
	return 0;
}

static int
token_read(const char *path, int fd, char token[HTTP_TOKEN_LEN_MAX + 1], struct fail *fail)
{
	char text[HTTP_TOKEN_LEN_MAX + 3];
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail_set(fail, EINVAL, "%s: not a regular file", path);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return fail_set(fail, errno, "%s: %s", path, strerror(errno));
	text[n] = '\0';
	if (strlen(text) != (size_t)n)
		return fail_set(fail, EINVAL, "%s: the token has a NUL byte", path);
	text[strcspn(text, "\r\n")] = '\0';
	int err = token_check(path, text, fail);
	if (err == 0)
		snprintf(token, HTTP_TOKEN_LEN_MAX + 1, "%.*s", HTTP_TOKEN_LEN_MAX, text);
	return err;
}

/* token_make writes a new token beside the path and links it there, so that half a token is never
 * read. */
static int
token_make(const char *path, struct fail *fail)
{
	char text[2 * TOKEN_BYTES + 2], temporary[PATH_MAX];
	uint8_t bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return fail_set(fail, EIO, "getrandom: %s", strerror(errno));
	for (int i = 0; i < TOKEN_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[2 * TOKEN_BYTES] = '\n';
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return fail_set(fail, ENAMETOOLONG, "%.200s...: too long", path);
	unlink(temporary); /* of a start that was cut short */
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_set(fail, errno, "%s: %s", temporary, strerror(errno));
	bool written = write(fd, text, 2 * TOKEN_BYTES + 1) == 2 * TOKEN_BYTES + 1 && fsync(fd) == 0;
	close(fd);
	if (written && rename(temporary, path) == 0)
		return 0;
	int err = fail_set(fail, errno > 0 ? errno : EIO, "%s: cannot be written: %s", path,
	                   strerror(errno));
	unlink(temporary);
	return err;
}

int
api_token_load(const char *path, char token[HTTP_TOKEN_LEN_MAX + 1], struct fail *fail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		int err = token_make(path, fail);
		if (err != 0)
			return err;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (fd < 0)
		return fail_set(fail, errno, "%s: %s", path, strerror(errno));
	int err = token_read(path, fd, token, fail);
	close(fd);
	return err;
}
