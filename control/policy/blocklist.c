/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Lists of addresses. */
#include "control/policy/blocklist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one range */

/* address_read reads a dotted quad, leading zeros allowed; moves *text behind it. */
static int
address_read(const char **text, const char *end, uint32_t *address)
{
	*address = 0;
	for (int part = 0; part < 4; part++) {
		uint32_t value = 0;
		int digits = 0;

		if (part > 0 && (*text == end || *(*text)++ != '.'))
			return -EINVAL;
		for (; *text < end && **text >= '0' && **text <= '9' && digits < 4; ++*text, digits++)
			value = value * 10 + (uint32_t)(**text - '0');
		if (digits == 0 || digits > 3 || value > 255)
			return -EINVAL;
		*address = *address << 8 | value;
	}
	return 0;
}

static void
blanks_skip(const char **text, const char *end)
{
	while (*text < end && (**text == ' ' || **text == '\t'))
		++*text;
}

/* prefix_read reads what follows a '/' and widens range to it. */
static int
prefix_read(const char **text, const char *end, struct abi_range *range)
{
	uint32_t bits = 0;
	int digits = 0;

	for (; *text < end && **text >= '0' && **text <= '9' && digits < 3; ++*text, digits++)
		bits = bits * 10 + (uint32_t)(**text - '0');
	if (digits == 0 || bits > 32)
		return -EINVAL;
	uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
	range->first &= mask;
	range->last = range->first | ~mask;
	return 0;
}

/* range_read reads a range at *text and moves behind it. */
static int
range_read(const char **text, const char *end, struct abi_range *range)
{
	blanks_skip(text, end);
	int err = address_read(text, end, &range->first);
	if (err != 0)
		return err;
	range->last = range->first;
	if (*text < end && **text == '/') {
		++*text;
		err = prefix_read(text, end, range);
	}
	blanks_skip(text, end);
	if (err == 0 && *text < end && **text == '-') {
		++*text;
		blanks_skip(text, end);
		err = address_read(text, end, &range->last);
		blanks_skip(text, end);
	}
	return err != 0 || range->last < range->first ? -EINVAL : 0;
}

int
range_parse(const char *text, size_t len, struct abi_range *range)
{
	const char *end = text + len;

	return range_read(&text, end, range) != 0 || text != end ? -EINVAL : 0;
}

/* ---- lines */

/* dat_level reads the level of an eMule line: " , 100 , name". Returns -1 when it is none. */
static int
dat_level(const char *text, const char *end)
{
	int level = 0, digits = 0;

	if (text == end || *text++ != ',')
		return -1;
	blanks_skip(&text, end);
	for (; text < end && *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
		level = level * 10 + (*text - '0');
	blanks_skip(&text, end);
	return digits > 0 && (text == end || *text == ',') ? level : -1;
}

enum line_kind {
	LINE_PASSED,
	LINE_RANGE,
	LINE_BAD,
};

/* is_ipv6 tells a line of IPv6 from a name with a colon: only digits that such an address has. */
static bool
is_ipv6(const char *text, size_t len)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%.*s", (int)(len < 63 ? len : 63), text);
	return len < 100 && memchr(text, '\0', len) == NULL &&
	       strstr(copy, ":") != strrchr(copy, ':') &&
	       strspn(copy, "0123456789abcdefABCDEF:./- ") == strlen(copy);
}

static enum line_kind
line_read(const char *text, size_t len, struct abi_range *range)
{
	const char *end = text + len;
	const char *at = text;

	blanks_skip(&at, end);
	if (at == end || *at == '#' || (end - at >= 2 && at[0] == '/' && at[1] == '/'))
		return LINE_PASSED;
	if (range_read(&at, end, range) == 0) {
		if (at == end)
			return LINE_RANGE;
		int level = dat_level(at, end);
		if (level >= 0)
			return level < 128 ? LINE_RANGE : LINE_PASSED;
	}
	const char *colon = memrchr(text, ':', len);
	if (colon != NULL && range_parse(colon + 1, (size_t)(end - colon - 1), range) == 0)
		return LINE_RANGE;
	return is_ipv6(text, len) ? LINE_PASSED : LINE_BAD;
}

/* ---- the list */

static int
list_add(struct blocklist *list, const struct abi_range *range)
{
	if (list->cnt == list->size) {
		uint32_t size = list->size != 0 ? 2 * list->size : 1024;
		struct abi_range *more = realloc(list->range, size * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		list->range = more;
		list->size = size;
	}
	list->range[list->cnt++] = *range;
	return 0;
}

static int
range_compare(const void *a, const void *b)
{
	uint32_t one = ((const struct abi_range *)a)->first;
	uint32_t other = ((const struct abi_range *)b)->first;

	return one < other ? -1 : one > other;
}

/* list_merge sorts, and makes one of those that overlap or touch. */
static void
list_merge(struct blocklist *list)
{
	uint32_t cnt = 0;

	if (list->cnt > 0)
		qsort(list->range, list->cnt, sizeof(list->range[0]), range_compare);
	for (uint32_t i = 0; i < list->cnt; i++) {
		struct abi_range *last = cnt > 0 ? &list->range[cnt - 1] : NULL;
		if (last != NULL && (uint64_t)list->range[i].first <= (uint64_t)last->last + 1) {
			if (list->range[i].last > last->last)
				last->last = list->range[i].last;
			continue;
		}
		list->range[cnt++] = list->range[i];
	}
	list->cnt = cnt;
}

/* line_get reads a line with its newline, NULs too: at most BLOCKLIST_LINE_MAX + 1 bytes.
 * Returns its length, 0 at the end. */
static size_t
line_get(FILE *file, char line[BLOCKLIST_LINE_MAX + 1])
{
	size_t len = 0;
	int byte;

	while (len <= BLOCKLIST_LINE_MAX && (byte = getc_unlocked(file)) != EOF) {
		line[len++] = (char)byte;
		if (byte == '\n')
			break;
	}
	return len;
}

static int
lines_read(struct blocklist *list, FILE *file, const char *path, struct fail *fail)
{
	char line[BLOCKLIST_LINE_MAX + 1];
	struct abi_range range;
	unsigned long number = 0;

	for (size_t len; (len = line_get(file, line)) > 0;) {
		number++;
		if (len > BLOCKLIST_LINE_MAX)
			return fail_set(fail, EINVAL, "%s:%lu: longer than %d bytes", path, number,
			                BLOCKLIST_LINE_MAX);
		while (len > 0 && memchr("\r\n \t", line[len - 1], 4) != NULL)
			len--;
		enum line_kind kind = line_read(line, len, &range);
		if (kind == LINE_BAD)
			return fail_set(fail, EINVAL,
			                "%s:%lu: \"%.*s\" is no address, CIDR, range, .p2p or .dat line", path,
			                number, (int)(len < 64 ? len : 64), line);
		if (kind == LINE_RANGE && list->cnt == 2u * ABI_BLOCKS_MAX)
			list_merge(list);
		if (kind == LINE_RANGE && list->cnt == 2u * ABI_BLOCKS_MAX)
			break;
		if (kind == LINE_RANGE && list_add(list, &range) != 0)
			return fail_set(fail, ENOMEM, "out of memory");
	}
	if (ferror(file))
		return fail_set(fail, errno, "%s: %s", path, strerror(errno));
	list_merge(list);
	return list->cnt <= ABI_BLOCKS_MAX
	               ? 0
	               : fail_set(fail, E2BIG, "%s: more than %d ranges", path, ABI_BLOCKS_MAX);
}

/* file_open opens a regular file; a pipe would have us wait for who writes. */
static int
file_open(FILE **file, const char *path, struct fail *fail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err = 0;

	*file = NULL;
	if (fd < 0 || fstat(fd, &st) != 0)
		err = fail_set(fail, errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err = fail_set(fail, EINVAL, "%s: not a regular file", path);
	else if ((*file = fdopen(fd, "r")) == NULL)
		err = fail_set(fail, ENOMEM, "out of memory");
	if (err != 0 && fd >= 0)
		close(fd);
	return err;
}

int
blocklist_read(struct blocklist *list, const char *path, struct fail *fail)
{
	FILE *file;
	int err = file_open(&file, path, fail);

	*list = (struct blocklist){0};
	if (err != 0)
		return err;
	err = lines_read(list, file, path, fail);
	fclose(file);
	if (err != 0)
		blocklist_free(list);
	return err;
}

void
blocklist_free(struct blocklist *list)
{
	free(list->range);
	*list = (struct blocklist){0};
}
