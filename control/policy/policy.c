/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The operator's limits: from options and settings, and what is told to workers. */
#include "control/policy/policy.h"

#include "control/catalogue/catalogue.h"
#include "control/base/log.h"
#include "control/policy/blocks.h"
#include "control/policy/policy_memfd.h"
#include "control/policy/rate_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is in force, to be replaced as a whole. */
struct state {
	struct limits all;
	struct label_limits labels;
	struct peer_classes classes;
	bool drain;
};

struct policy {
	const struct options *options;
	struct registry *registry;
	uint32_t worker_cnt;
	uint64_t serial;
	struct state state;
	struct blocks blocks;
	int memfd;                  /* of the state and the blocks; -1: to be made */
};

static const char *const key_all = "policy.all";
static const char *const key_labels = "policy.labels";
static const char *const key_classes = "policy.classes";
static const char *const key_drain = "policy.drain";

/* ---- reading */

/* setting_get returns a setting, to be freed, or NULL. */
static char *
setting_get(const struct policy *policy, const char *key)
{
	char *value = NULL;
	struct fail ignored;

	catalogue_setting_get(policy->registry->catalogue, key, &value, &ignored);
	return value;
}

/* kept_classes_read applies "lan=10M:w200:connections=5,..." to the classes that there are. */
static void
kept_classes_read(struct peer_classes *classes, const char *text)
{
	struct fail ignored;
	char name[CLASS_NAME_MAX];

	while (*text != '\0') {
		size_t len = strcspn(text, ","), name_len = strcspn(text, "=");
		struct peer_class *class = NULL;

		if (name_len < len && name_len < sizeof(name)) {
			memcpy(name, text, name_len);
			name[name_len] = '\0';
			class = peer_classes_find(classes, name);
		}
		if (class != NULL)
			limits_parse(&class->limits, text + name_len + 1, len - name_len - 1, &ignored);
		text += len;
		text += *text == ',';
	}
}

/* kept_read applies what was changed while running. What does not fit any more is left out. */
static void
kept_read(const struct policy *policy, struct state *state)
{
	struct fail ignored;
	char *all = setting_get(policy, key_all);
	char *labels = setting_get(policy, key_labels);
	char *classes = setting_get(policy, key_classes);
	char *drain = setting_get(policy, key_drain);

	if (all != NULL && all[0] != '\0')
		limits_parse(&state->all, all, strlen(all), &ignored);
	if (labels != NULL)
		label_limits_parse(&state->labels, labels, &ignored);
	if (classes != NULL)
		kept_classes_read(&state->classes, classes);
	state->drain = drain != NULL && strcmp(drain, "1") == 0;
	free(all);
	free(labels);
	free(classes);
	free(drain);
}

/* state_read makes the state of options and settings; options were checked when they were set. */
static void
state_read(const struct policy *policy, struct state *state)
{
	struct fail ignored;

	*state = (struct state){.all = limits_none};
	rate_parse(policy->options->rate_limit, strlen(policy->options->rate_limit),
	           &state->all.rate_bytes_per_s, &ignored);
	label_limits_parse(&state->labels, policy->options->label_limits, &ignored);
	peer_classes_parse(&state->classes, policy->options->peer_classes, &ignored);
	kept_read(policy, state);
}

/* group_of returns the first of the limited labels, by name, that a torrent bears, or NULL. */
static const struct label_limit *
group_of(const struct label_limits *labels, const struct torrent *torrent)
{
	char label[LABEL_MAX];

	for (const char *p = torrent->labels; (p = labels_next(p, label)) != NULL;) {
		const struct label_limit *row = label_limits_find((struct label_limits *)labels, label);
		if (row != NULL)
			return row;
	}
	return NULL;
}

static uint32_t
group_id(const struct label_limits *labels, const struct torrent *torrent)
{
	const struct label_limit *row = labels->cnt > 0 ? group_of(labels, torrent) : NULL;

	return row != NULL ? row->id : 0;
}

/* torrents_follow has torrents told anew whose group is another now. */
static void
torrents_follow(struct policy *policy, const struct label_limits *before)
{
	struct torrents *torrents = policy->registry->torrents;

	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id)) {
		if (t->labels[0] == '\0' ||
		    group_id(before, t) == group_id(&policy->state.labels, t))
			continue;
		for (uint32_t w = 0; w < t->place_cnt; w++)
			t->place[w].reclass = true;
		torrents_push_all(torrents, t);
	}
}

static void
changed(struct policy *policy)
{
	policy->serial++;
	if (policy->memfd >= 0)
		close(policy->memfd);
	policy->memfd = -1;
}

static void
state_set(struct policy *policy, const struct state *state)
{
	static struct label_limits before; /* large for a stack */

	before = policy->state.labels;
	policy->state = *state;
	changed(policy);
	torrents_follow(policy, &before);
}

/* ---- life */

int
policy_create(struct policy **policy, const struct options *options, struct registry *registry,
              struct fail *fail)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	p->options = options;
	p->registry = registry;
	p->worker_cnt = options_worker_cnt(options);
	p->serial = 1;
	p->memfd = -1;
	state_read(p, &p->state);
	*policy = p;
	return blocks_first(&p->blocks, options->blocklist, fail);
}

void
policy_destroy(struct policy *policy)
{
	if (policy == NULL)
		return;
	if (policy->memfd >= 0)
		close(policy->memfd);
	blocks_end(&policy->blocks);
	free(policy);
}

void
policy_reconfigure(struct policy *policy)
{
	static struct state state; /* large for a stack */

	state_read(policy, &state);
	state_set(policy, &state);
	if (blocks_follow(&policy->blocks, policy->options->blocklist))
		changed(policy);
}

void
policy_run(struct policy *policy)
{
	if (blocks_run(&policy->blocks, policy->options->blocklist))
		changed(policy);
}

int
policy_timeout_ms(const struct policy *policy)
{
	return blocks_timeout_ms(&policy->blocks, policy->options->blocklist);
}

/* ---- for sessions */

uint64_t
policy_serial(const struct policy *policy)
{
	return policy->serial;
}

/* part_of returns a worker's part of a number that is not 0. */
static uint32_t
part_of(const struct policy *policy, uint32_t whole)
{
	return (whole + policy->worker_cnt - 1) / policy->worker_cnt;
}

/* rate_part returns a worker's part of a rate: never more than the whole together. */
static uint64_t
rate_part(const struct policy *policy, uint64_t whole)
{
	uint64_t part = whole / policy->worker_cnt;

	return whole != 0 && part == 0 ? 1 : part;
}

void
policy_message(const struct policy *policy, struct abi_policy *message)
{
	const struct options *options = policy->options;
	struct fail ignored;

	*message = (struct abi_policy){
		.rate_bytes_per_s = rate_part(policy, policy->state.all.rate_bytes_per_s),
		.flags = policy->state.drain ? ABI_POLICY_DRAIN : 0,
		.connections_max = part_of(policy, policy->state.all.connections_max),
		.upload_slots = part_of(policy, (uint32_t)options->upload_slots),
		.choke = (uint32_t)options->choke,
	};
	slow_peer_parse(options->slow_peer, &message->slow_bytes_per_s, &message->slow_s, &ignored);
}

static int
memfd_make(struct policy *policy)
{
	static struct policy_table table; /* large for a stack */
	const struct state *state = &policy->state;

	table = (struct policy_table){
		.group_cnt = state->labels.cnt,
		.class_cnt = state->classes.cnt,
		.block = policy->blocks.list.range,
		.block_cnt = policy->blocks.list.cnt,
	};
	for (uint32_t i = 0; i < state->labels.cnt; i++)
		table.group[i] = (struct abi_group){
			.id = state->labels.row[i].id,
			.weight = state->labels.row[i].limits.weight,
			.rate_bytes_per_s =
				rate_part(policy, state->labels.row[i].limits.rate_bytes_per_s),
		};
	for (uint32_t i = 0; i < state->classes.cnt; i++)
		table.class[i] = (struct abi_class){
			.rate_bytes_per_s =
				rate_part(policy, state->classes.row[i].limits.rate_bytes_per_s),
			.weight = state->classes.row[i].limits.weight,
			.connections_max =
				part_of(policy, state->classes.row[i].limits.connections_max),
		};
	table.class_range_cnt = peer_classes_flatten(&state->classes, table.class_range);
	return policy_memfd(&table);
}

int
policy_fd(struct policy *policy)
{
	if (policy->memfd < 0)
		policy->memfd = memfd_make(policy);
	if (policy->memfd < 0)
		return policy->memfd;
	int fd = fcntl(policy->memfd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : -errno;
}

void
policy_entry(const struct policy *policy, const struct torrent *torrent, struct abi_entry *entry)
{
	const struct torrent_settings *settings = &torrent->settings;

	entry->flags = settings->super_seed ? ABI_ENTRY_SUPER_SEED : 0;
	entry->group = group_id(&policy->state.labels, torrent);
	entry->rate_bytes_per_s = rate_part(policy, settings->rate_bytes_per_s);
	entry->connections_max = part_of(policy, settings->connections_max);
	entry->weight = (uint16_t)settings->weight;
}

bool
policy_entry_differs(const struct policy *policy, const struct torrent *torrent,
                     const struct abi_entry *held)
{
	struct abi_entry want = {0};

	policy_entry(policy, torrent, &want);
	if (policy->worker_cnt > 1 && want.rate_bytes_per_s != 0 && held->rate_bytes_per_s != 0)
		want.rate_bytes_per_s = held->rate_bytes_per_s;
	return want.flags != held->flags || want.group != held->group ||
	       want.rate_bytes_per_s != held->rate_bytes_per_s ||
	       want.connections_max != held->connections_max || want.weight != held->weight;
}

/* ---- what there is */

const struct limits *
policy_all(const struct policy *policy)
{
	return &policy->state.all;
}

const struct label_limits *
policy_labels(const struct policy *policy)
{
	return &policy->state.labels;
}

const struct peer_classes *
policy_classes(const struct policy *policy)
{
	return &policy->state.classes;
}

const struct blocklist *
policy_blocks(const struct policy *policy)
{
	return &policy->blocks.list;
}

bool
policy_drains(const struct policy *policy)
{
	return policy->state.drain;
}

/* ---- changes */

/* kept_set changes one name's limits in a text "name=limits,..." and stores it. */
static int
kept_set(struct policy *policy, const char *key, const char *name, const struct limits *limits,
         struct fail *fail)
{
	size_t size = (ABI_GROUPS_MAX + 1) * (LABEL_MAX + POLICY_LIMITS_MAX), len = 0;
	char *old = setting_get(policy, key), *text = malloc(size);
	char one[POLICY_LIMITS_MAX];
	int err = text == NULL ? fail_set(fail, ENOMEM, "out of memory") : 0;

	limits_format(limits, one);
	if (err == 0)
		len = (size_t)snprintf(text, size, "%s=%s", name, one);
	for (const char *p = old; err == 0 && p != NULL && *p != '\0'; p += *p == ',') {
		size_t part_len = strcspn(p, ","), name_len = strcspn(p, "=");
		bool is_same = name_len == strlen(name) && memcmp(p, name, name_len) == 0;

		if (!is_same && len + part_len + 2 < size)
			len += (size_t)snprintf(text + len, size - len, ",%.*s", (int)part_len, p);
		p += part_len;
	}
	if (err == 0)
		err = catalogue_setting_set(policy->registry->catalogue, key, text, fail);
	free(old);
	free(text);
	return err;
}

int
policy_set_all(struct policy *policy, const struct limits *limits, struct fail *fail)
{
	char text[POLICY_LIMITS_MAX];
	static struct state state;

	limits_format(limits, text);
	int err = catalogue_setting_set(policy->registry->catalogue, key_all, text, fail);
	if (err != 0)
		return err;
	state = policy->state;
	state.all = *limits;
	state_set(policy, &state);
	return 0;
}

int
policy_set_label(struct policy *policy, const char *label, const struct limits *limits,
                 struct fail *fail)
{
	static struct state state;

	state = policy->state;
	if (strchr(label, '=') != NULL)
		return fail_set(fail, EINVAL, "label %s: one with = cannot have limits", label);
	int err = label_limits_set(&state.labels, label, limits, fail);
	if (err == 0)
		err = kept_set(policy, key_labels, label, limits, fail);
	if (err == 0)
		state_set(policy, &state);
	return err;
}

int
policy_set_class(struct policy *policy, const char *name, const struct limits *limits,
                 struct fail *fail)
{
	static struct state state;

	state = policy->state;
	struct peer_class *class = peer_classes_find(&state.classes, name);
	if (class == NULL)
		return fail_set(fail, ENOENT, "no class \"%.64s\": see option peer_classes", name);
	int err = kept_set(policy, key_classes, name, limits, fail);
	if (err != 0)
		return err;
	class->limits = *limits;
	state_set(policy, &state);
	return 0;
}

int
policy_set_drain(struct policy *policy, bool on, struct fail *fail)
{
	int err = catalogue_setting_set(policy->registry->catalogue, key_drain, on ? "1" : "0", fail);

	if (err != 0)
		return err;
	policy->state.drain = on;
	changed(policy);
	log_info("drain", "on=%s", on ? "yes" : "no");
	return 0;
}

int
policy_forget(struct policy *policy, struct fail *fail)
{
	struct catalogue *catalogue = policy->registry->catalogue;
	int err = catalogue_setting_set(catalogue, key_all, "", fail);

	if (err == 0)
		err = catalogue_setting_set(catalogue, key_labels, "", fail);
	if (err == 0)
		err = catalogue_setting_set(catalogue, key_classes, "", fail);
	if (err == 0)
		policy_reconfigure(policy);
	return err;
}

/* ---- options' checks */

int
policy_check_rate(const char *value, struct fail *fail)
{
	uint64_t ignored;

	return rate_parse(value, strlen(value), &ignored, fail);
}

int
policy_check_labels(const char *value, struct fail *fail)
{
	static struct label_limits labels;

	labels.cnt = 0;
	return label_limits_parse(&labels, value, fail);
}

int
policy_check_classes(const char *value, struct fail *fail)
{
	static struct peer_classes classes;

	return peer_classes_parse(&classes, value, fail);
}

int
policy_check_slow(const char *value, struct fail *fail)
{
	uint32_t bytes_per_s, seconds;

	return slow_peer_parse(value, &bytes_per_s, &seconds, fail);
}
