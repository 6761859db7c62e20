/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the operator writes of limits, addresses and hosts: block lists that come from anywhere,
 * rates, limits, classes, and the options whose value has a form; the whole configuration file too.
 * The first byte chooses. What is taken is sorted and within its bounds and is taken again as it is
 * printed; what is not says why in one line. */
#include "control/options/options_table.h"
#include "control/policy/blocklist.h"
#include "control/policy/policy.h"
#include "control/policy/rate_text.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
check(bool right)
{
	if (!right)
		abort();
}

/* fail_check sees that a text is one line that can be shown. */
static void
fail_check(const struct fail *fail)
{
	check(fail->text[0] != '\0' && strlen(fail->text) < sizeof(fail->text));
	for (const char *p = fail->text; *p != '\0'; p++)
		check((unsigned char)*p >= ' ' && *p != 0x7f);
}

/* ---- Files. */

struct scratch {
	int fd;
	char path[32];
};

/* scratch_open makes a file of bytes. */
static struct scratch
scratch_open(const void *bytes, size_t len)
{
	struct scratch scratch = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

	check(scratch.fd >= 0 && write(scratch.fd, bytes, len) == (ssize_t)len);
	snprintf(scratch.path, sizeof(scratch.path), "/proc/self/fd/%d", scratch.fd);
	return scratch;
}

static int
blocklist_of(struct blocklist *list, const void *bytes, size_t len)
{
	struct fail fail = {.text = ""};
	struct scratch file = scratch_open(bytes, len);
	int err = blocklist_read(list, file.path, &fail);

	close(file.fd);
	if (err == 0)
		return 0;
	fail_check(&fail);
	check(err == -EINVAL && strncmp(fail.text, file.path, strlen(file.path)) == 0);
	check(list->range == NULL && list->cnt == 0 && list->size == 0);
	return err;
}

static void
blocklist_check(const char *text, size_t len)
{
	struct blocklist list, again;
	char *printed;
	size_t printed_len;

	if (blocklist_of(&list, text, len) != 0)
		return;
	FILE *out = open_memstream(&printed, &printed_len);
	check(out != NULL && list.cnt <= list.size && list.cnt <= len / 7 + 1);
	for (uint32_t i = 0; i < list.cnt; i++) {
		uint32_t first = list.range[i].first, last = list.range[i].last;

		check(first <= last && (i == 0 || first - 1 > list.range[i - 1].last));
		fprintf(out, "%u.%u.%u.%u-%u.%u.%u.%u\n", first >> 24, first >> 16 & 255,
		        first >> 8 & 255, first & 255, last >> 24, last >> 16 & 255, last >> 8 & 255,
		        last & 255);
	}
	fclose(out);
	check(blocklist_of(&again, printed, printed_len) == 0 && again.cnt == list.cnt);
	for (uint32_t i = 0; i < list.cnt; i++)
		check(list.range[i].first == again.range[i].first &&
		      list.range[i].last == again.range[i].last);
	blocklist_free(&again);
	blocklist_free(&list);
	free(printed);
}

/* ---- Rates and limits. */

static void
rate_check(const char *text, size_t len)
{
	struct fail fail = {.text = ""};
	char printed[RATE_TEXT_MAX];
	uint64_t rate = 0, again = 0;

	if (rate_parse(text, len, &rate, &fail) != 0) {
		fail_check(&fail);
		return;
	}
	check(rate == 0 || (rate >= RATE_MIN && rate <= RATE_MAX));
	rate_format(rate, printed);
	check(rate_parse(printed, strlen(printed), &again, &fail) == 0 && again == rate);
}

static void
limits_bounds_check(const struct limits *limits)
{
	char printed[POLICY_LIMITS_MAX];
	struct limits again = limits_none;
	struct fail fail;

	check(limits->weight >= 1 && limits->weight <= ABI_WEIGHT_MAX);
	check(limits->connections_max <= POLICY_CONNECTIONS_MAX);
	check(limits->rate_bytes_per_s <= RATE_MAX);
	limits_format(limits, printed);
	check(limits_parse(&again, printed, strlen(printed), &fail) == 0);
	check(again.weight == limits->weight && again.connections_max == limits->connections_max &&
	      again.rate_bytes_per_s == limits->rate_bytes_per_s);
}

static void
limits_check(const char *text, size_t len)
{
	struct fail fail = {.text = ""};
	struct limits limits = limits_none;

	if (limits_parse(&limits, text, len, &fail) == 0)
		limits_bounds_check(&limits);
	else
		fail_check(&fail);
}

static void
labels_check(const char *text)
{
	static struct label_limits labels, again;
	struct fail fail = {.text = ""};
	char row[LABEL_MAX + 1 + POLICY_LIMITS_MAX], limits[POLICY_LIMITS_MAX];

	labels.cnt = again.cnt = 0;
	if (label_limits_parse(&labels, text, &fail) != 0) {
		fail_check(&fail);
		return;
	}
	check(labels.cnt <= ABI_GROUPS_MAX);
	for (uint32_t i = 0; i < labels.cnt; i++) {
		check(labels.row[i].id > (i > 0 ? labels.row[i - 1].id : 0));
		check(label_check(labels.row[i].label, &fail) == 0);
		check(label_limits_find(&labels, labels.row[i].label) == &labels.row[i]);
		limits_bounds_check(&labels.row[i].limits);
		limits_format(&labels.row[i].limits, limits);
		snprintf(row, sizeof(row), "%s=%s", labels.row[i].label, limits);
		check(label_limits_parse(&again, row, &fail) == 0 && again.cnt == i + 1);
		check(again.row[i].id == labels.row[i].id);
	}
}

/* class_of returns the class that an address has by the flat ranges, or UINT32_MAX. */
static uint32_t
class_of(const struct abi_class_range *flat, uint32_t cnt, uint32_t address)
{
	for (uint32_t i = 0; i < cnt; i++)
		if (address >= flat[i].range.first && address <= flat[i].range.last)
			return flat[i].class_index;
	return UINT32_MAX;
}

/* smallest_check sees that an address is of a class whose range is the smallest that holds it. */
static void
smallest_check(const struct peer_classes *classes, uint32_t address, uint32_t class_index)
{
	uint32_t least = UINT32_MAX, mine = UINT32_MAX;
	bool found = false;

	for (uint32_t i = 0; i < classes->range_cnt; i++) {
		const struct peer_range *r = &classes->range[i];
		uint32_t size = r->range.last - r->range.first;

		if (address < r->range.first || address > r->range.last)
			continue;
		least = size < least ? size : least;
		found |= r->class_index == class_index;
		if (r->class_index == class_index && size < mine)
			mine = size;
	}
	check(found && mine == least);
}

static void
classes_check(const char *text)
{
	static struct peer_classes classes;
	static struct abi_class_range flat[2 * POLICY_RANGES_MAX];
	struct fail fail = {.text = ""};

	if (peer_classes_parse(&classes, text, &fail) != 0) {
		fail_check(&fail);
		return;
	}
	check(classes.cnt <= ABI_CLASSES_MAX && classes.range_cnt <= POLICY_RANGES_MAX);
	for (uint32_t i = 0; i < classes.cnt; i++) {
		check(class_name_check(classes.row[i].name, &fail) == 0);
		check(peer_classes_find(&classes, classes.row[i].name) == &classes.row[i]);
		limits_bounds_check(&classes.row[i].limits);
	}
	uint32_t cnt = peer_classes_flatten(&classes, flat);
	check(cnt <= 2 * POLICY_RANGES_MAX && (cnt > 0) == (classes.range_cnt > 0));
	for (uint32_t i = 0; i < cnt; i++) {
		check(flat[i].range.first <= flat[i].range.last && flat[i].class_index < classes.cnt);
		check(i == 0 || flat[i].range.first > flat[i - 1].range.last);
		smallest_check(&classes, flat[i].range.first, flat[i].class_index);
		smallest_check(&classes, flat[i].range.last, flat[i].class_index);
	}
	for (uint32_t i = 0; i < classes.range_cnt; i++) {
		const struct abi_range *range = &classes.range[i].range;

		check(range->first <= range->last);
		check(class_of(flat, cnt, range->first) != UINT32_MAX);
		check(class_of(flat, cnt, range->last) != UINT32_MAX);
	}
}

static void
slow_check(const char *text)
{
	struct fail fail = {.text = ""};
	uint32_t bytes_per_s, seconds;

	if (slow_peer_parse(text, &bytes_per_s, &seconds, &fail) != 0) {
		fail_check(&fail);
		return;
	}
	check((bytes_per_s == 0) == (seconds == 0) && seconds <= POLICY_SLOW_S_MAX);
	check(bytes_per_s == 0 || bytes_per_s >= RATE_MIN);
}

/* ---- Options. */

static bool
same(const struct options *a, const struct options *b, const struct option_row *row)
{
	const char *one = (const char *)a + row->offset, *other = (const char *)b + row->offset;

	return row->kind == OPTION_TEXT ? strcmp(one, other) == 0
	                                : *(const int64_t *)one == *(const int64_t *)other;
}

/* printed_check sees that options are read back as they are printed. */
static void
printed_check(const struct options *options)
{
	static struct options again;
	struct fail fail = {.text = ""};
	char *printed;
	size_t len;
	FILE *out = open_memstream(&printed, &len);

	check(out != NULL);
	options_print(options, out);
	fclose(out);
	struct scratch file = scratch_open(printed, len);
	memset(&again, 0, sizeof(again));
	check(options_load(&again, file.path, &fail) == 0);
	for (size_t i = 0; i < option_row_cnt; i++)
		check(same(options, &again, &option_rows[i]));
	close(file.fd);
	free(printed);
}

/* is_utf8 is true for a text that a configuration file can hold. */
static bool
is_utf8(const char *text)
{
	json_t *json = json_string(text);

	json_decref(json);
	return json != NULL;
}

/* option_check sets one option as the command line does. */
static void
option_check(const char *name, const char *text)
{
	static struct options options;
	const struct option_row *row = options_row_find(name, strlen(name));
	struct fail fail = {.text = ""};

	check(row != NULL);
	options_default(&options);
	if (options_row_set(&options, row, text, &fail) == 0) {
		if (is_utf8(text))
			printed_check(&options);
		return;
	}
	fail_check(&fail);
	check(strncmp(fail.text, "option ", 7) == 0 &&
	      strncmp(fail.text + 7, name, strlen(name)) == 0);
}

static void
file_check(const char *text, size_t len)
{
	static struct options options;
	struct fail fail = {.text = ""};
	struct scratch file = scratch_open(text, len);

	options_default(&options);
	if (options_load(&options, file.path, &fail) == 0)
		printed_check(&options);
	else
		fail_check(&fail);
	close(file.fd);
}

static const struct {
	char kind;
	const char *name;
} named[] = {
	{'a', "announce_address"}, {'d', "dht_bootstrap"}, {'g', "congestion_classes"},
	{'h', "api"}, {'i', "api_hosts"}, {'j', "api_origins"}, {'k', "api_roots"}, {'p', "cpu"},
	{'w', "watch_label"}, {'L', "label_limits"}, {'C', "peer_classes"}, {'S', "slow_peer"},
	{'R', "rate_limit"},
};

/* text_check is of what takes a text that ends. */
static void
text_check(char kind, const char *text)
{
	if (kind == 'l')
		labels_check(text);
	else if (kind == 'c')
		classes_check(text);
	else if (kind == 's')
		slow_check(text);
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (named[i].kind == kind)
			option_check(named[i].name, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *bytes = (const char *)data + 1;

	if (len == 0)
		return 0;
	len--;
	if (data[0] == 'b')
		blocklist_check(bytes, len);
	else if (data[0] == 'f')
		file_check(bytes, len);
	else if (data[0] == 'r')
		rate_check(bytes, len);
	else if (data[0] == 't')
		limits_check(bytes, len);
	else {
		char *text = strndup(bytes, len);

		check(text != NULL);
		text_check((char)data[0], text);
		free(text);
	}
	return 0;
}
