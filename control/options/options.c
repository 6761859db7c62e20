/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The option table, and setting options by it. Whether an interface or a path exists
 * is not judged here but when the dataplane is started (preflight.c). */
#include "control/options/options_table.h"

#include "control/announce/announce.h"
#include "control/dht/dht_resolve.h"
#include "control/api/http.h"
#include "control/api/http_guard.h"
#include "control/policy/policy.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int
classes_check(const char *value, struct fail *fail)
{
	struct classes classes;

	return classes_parse(&classes, value, fail);
}

static int
cpus_check(const char *value, struct fail *fail)
{
	struct cpus cpus;

	return cpus_parse(&cpus, value, fail);
}

static int
hosts_check(const char *value, struct fail *fail)
{
	return http_names_check(value, false, fail);
}

static int
roots_check(const char *value, struct fail *fail)
{
	for (const char *p = value; *p != '\0'; p += strcspn(p, ","), p += *p == ',')
		if (*p != '/')
			return fail_set(fail, EINVAL, "\"%.*s\" is not an absolute path",
			                (int)strcspn(p, ","), p);
	return 0;
}

static int
dir_check(const char *value, struct fail *fail)
{
	if (value[0] == '/')
		return 0;
	return fail_set(fail, EINVAL, "\"%.200s\" is not an absolute path", value);
}

static int
absolute_check(const char *value, struct fail *fail)
{
	return value[0] == '\0' ? 0 : dir_check(value, fail);
}

static int
label_or_none_check(const char *value, struct fail *fail)
{
	return value[0] == '\0' ? 0 : label_check(value, fail);
}

static int
origins_check(const char *value, struct fail *fail)
{
	return http_names_check(value, true, fail);
}

uint32_t
options_worker_cnt(const struct options *options)
{
	struct cpus cpus;
	struct fail ignored;

	cpus_parse(&cpus, options->cpu, &ignored); /* checked when it was set */
	return cpus_worker_cnt(&cpus, (uint32_t)options->workers);
}

/* By index: 0 is auto. */
static const char *const worker_cnts[] = {"auto", "1", "2", "3", "4", "5", "6", "7", "8", NULL};
static_assert(sizeof(worker_cnts) / sizeof(worker_cnts[0]) == ABI_WORKERS_MAX + 2, "every number");
static const char *const yes_no[] = {"no", "yes", NULL};
static const char *const no_auto[] = {"no", "auto", NULL};
static const char *const integrity_kinds[] = {"always", "sampled", "off", NULL};
static const char *const log_levels[] = {"info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "text", "json", NULL};
static const char *const sandbox_kinds[] = {"on", "log", "off", NULL};
static const char *const choke_kinds[] = {"round_robin", "fastest", NULL};
static_assert(sizeof(choke_kinds) / sizeof(choke_kinds[0]) == ABI_CHOKE_CNT + 1, "every kind");
static const char *const dht_kinds[] = {"no", "yes", "read_only", NULL};
static const char *const poll_kinds[] = {"adaptive", "busy", NULL};

#define TEXT(field, scope, preset, min, help)                                                      \
	{#field, scope, OPTION_TEXT, "", preset, min, sizeof(((struct options *)0)->field), NULL,  \
	 offsetof(struct options, field), help, NULL}
#define CHECKED(field, scope, preset, check, help)                                                 \
	{#field, scope, OPTION_TEXT, "", preset, 0, sizeof(((struct options *)0)->field), NULL,    \
	 offsetof(struct options, field), help, check}
#define NUMBER(field, scope, unit, preset, min, max, help)                                         \
	{#field, scope, OPTION_NUMBER, unit, preset, min, max, NULL, \
	 offsetof(struct options, field), help, NULL}
#define CHOICE(field, scope, choices, preset, help)                                                \
	{#field, scope, OPTION_CHOICE, "", preset, 0, 0, choices, \
	 offsetof(struct options, field), help, NULL}

const struct option_row option_rows[] = {
	TEXT(port, START, "af_xdp:eth0", 1,
	     "network port: af_xdp:IFACE, af_packet:IFACE, tap:NAME, memif:SOCKET, "
	     "vhost-user:SOCKET, vhost-backend:SOCKET, ring or null"),
	TEXT(address, START, "auto", 1,
	     "IPv4 address served; auto is the interface's own (af_xdp only)"),
	NUMBER(listen_port, START, "", "6881", 1, 65535, "TCP port for peers"),
	NUMBER(mtu, START, "bytes", "1500", 576, 9000, "largest IP packet"),
	TEXT(state_dir, START, "/var/lib/spillway", 1,
	     "directory of the catalogue, kept over restarts"),
	TEXT(run_dir, START, "/run/spillway", 1,
	     "directory of sockets, lock and the dataplane's log"),
	NUMBER(arena_mib, START, "MiB", "256", 16, 1048576,
	       "memory for blocks of content, divided among the workers"),
	CHOICE(huge, START, yes_no, "yes",
	       "take the arena from 2 MiB hugepages; --no-huge is huge: no"),
	CHOICE(huge_tables, START, yes_no, "no",
	       "take connections and tables from them too while there are some, for very many peers"),
	NUMBER(connections_max, START, "", "4096", 1, 1048576,
	       "peer connections at once; one of several workers takes its part and an eighth more"),
	NUMBER(torrents_max, START, "", "131072", 1, 4194304, "torrents in the catalogue"),
	NUMBER(active_max, START, "", "1024", 1, 65536, "torrents served at once, by each worker"),
	CHOICE(poll, START, poll_kinds, "adaptive", "adaptive sleeps when idle; busy never sleeps"),
	CHOICE(integrity, START, integrity_kinds, "always",
	       "reads whose bytes are compared with those verified; sampled: one in 16"),
	CHOICE(iopoll, START, no_auto, "auto",
	       "auto polls for reads from devices that have poll queues (nvme.poll_queues)"),
	CHOICE(workers, START, worker_cnts, "1",
	       "threads of the dataplane, each with its part of the peers; auto: one a CPU"),
	CHECKED(cpu, START, "-1", cpus_check,
	        "CPUs of the workers, one each, as 2,3; -1 is the scheduler's choice"),
	CHOICE(congestion, LIVE, congestion_names, "cubic",
	       "congestion control where a torrent has no class; a change is for new connections"),
	CHECKED(congestion_classes, LIVE, "", classes_check,
	        "congestion control by class of torrent, bulk=bbr,lan=newreno; spillway add --class"),
	CHOICE(ecn, START, yes_no, "yes",
	       "agree to ECN (RFC 3168) with peers that ask for it; we do not ask ourselves"),
	CHOICE(pex, START, yes_no, "yes",
	       "tell the peers of a torrent of each other (BEP 11), never those of a private one"),
	NUMBER(connections_per_source, START, "", "1024", 1, 1048576,
	       "peer connections from one address at once; of several workers as connections_max"),
	TEXT(user, START, "", 0,
	     "user that both daemons become once started; empty: they stay root, but with no more "
	     "rights"),
	CHOICE(sandbox, START, sandbox_kinds, "on",
	       "filter of system calls of both daemons; log: what it refuses is logged and done"),
	CHECKED(watch_dir, START, "", absolute_check,
	        "folder whose .torrent files are added: renamed .added, or .refused with a .reason"),
	CHECKED(watch_data_dir, START, "", absolute_check,
	        "folder with the content of those; empty: watch_dir"),
	CHECKED(watch_label, START, "", label_or_none_check, "label that those get; empty: none"),
	CHOICE(announce, START, yes_no, "yes", "tell the torrents' trackers what is seeded"),
	NUMBER(announce_rate, LIVE, "per second", "100", 1, 100000,
	       "announces to one tracker's host; a start with many torrents is spread so"),
	CHECKED(announce_address, START, "auto", announce_address_check,
	        "address that trackers are told, IPv4 or IPv6; auto is the one served: for NAT"),
	NUMBER(announce_port, START, "", "0", 0, 65535,
	       "port that trackers are told; 0 is listen_port: for NAT"),
	NUMBER(tracker_timeout, START, "seconds", "45", 3, 600, "for a tracker's answer"),
	NUMBER(tracker_scrape, LIVE, "seconds", "0", 0, 86400,
	       "between scrapes, for numbers of seeders fresher than announces tell; 0 is never"),
	CHOICE(log_level, LIVE, log_levels, "info", "events that are logged: these and worse"),
	CHOICE(log_format, LIVE, log_formats, "auto",
	       "auto is fields of the systemd journal where stderr is its, else text: key=value lines"),
	NUMBER(scrub, LIVE, "days", "30", 0, 3650,
	       "how often all content is read in the background, to find what rots; 0: never"),
	NUMBER(scrub_rate, LIVE, "MiB/s", "16", 1, 100000, "the fastest that it is read then"),
	CHECKED(rate_limit, LIVE, "none", policy_check_rate,
	        "most that is uploaded: 10M (MiB a second), 500000 (bytes), 100Mbit or none"),
	CHECKED(label_limits, LIVE, "", policy_check_labels,
	        "rates and weights by label, iso=100M:w200,archive=2M; weight 100 without w"),
	CHECKED(peer_classes, LIVE, "", policy_check_classes,
	        "limits by peers' addresses, lan=10.0.0.0/8+192.168.0.0/16:none:w300:connections=50"),
	TEXT(blocklist, LIVE, "", 0,
	     "file of addresses that are refused: CIDR, ranges, .p2p or .dat; read when it changes"),
	NUMBER(upload_slots, LIVE, "", "0", 0, 65536,
	       "peers unchoked at once, at least one a worker; 0: all, and for good"),
	CHOICE(choke, LIVE, choke_kinds, "round_robin",
	       "which, when there are fewer slots; fastest: those that take most keep theirs"),
	CHECKED(slow_peer, LIVE, "", policy_check_slow,
	        "who takes less, 10K:60 is 10 KiB a second for 60 s, yields its slot; empty: none"),
	TEXT(dataplane, START, "auto", 1,
	     "the spillway-dp binary; auto looks beside spillwayd, in ../dataplane, then in PATH"),
	TEXT(xdp_object, START, "auto", 1,
	     "the XDP program of af_xdp; auto looks beside spillway-dp and in its port/"),
	CHOICE(dht, START, dht_kinds, "yes",
	       "announce to the mainline DHT and answer it; read_only does not answer (BEP 43)"),
	NUMBER(dht_port, START, "", "0", 0, 65535, "UDP port of the DHT; 0 is listen_port + 1"),
	CHECKED(dht_bootstrap, START,
	        "router.bittorrent.com:6881,dht.transmissionbt.com:6881,router.utorrent.com:6881,"
	        "dht.libtorrent.org:25401",
	        dht_bootstrap_check,
	        "nodes of the DHT that are asked while no other is known, as HOST:PORT,[IPV6]:PORT"),
	NUMBER(dht_rate, START, "packets/s", "2000", 10, 100000,
	       "DHT queries sent, and as many answers, of 256 bytes on average; 20 an announce"),
	CHECKED(api, START, "off", http_listen_check,
	        "where the HTTP API listens: 127.0.0.1:9091, [::1]:PORT, unix:PATH, or off"),
	TEXT(api_token_file, START, "auto", 1,
	     "the token of the HTTP API, made if there is none; auto is api_token in state_dir"),
	CHECKED(api_hosts, LIVE, "", hosts_check,
	        "names in Host that the HTTP API is reached by beside loopback ones, as a.example,b"),
	CHECKED(api_origins, LIVE, "", origins_check,
	        "pages of other origins that may use the HTTP API, as https://a.example"),
	CHECKED(api_data_dir, LIVE, "/srv", dir_check,
	        "where content is, when one who adds a torrent by the HTTP API does not say"),
	CHECKED(api_roots, LIVE, "", roots_check,
	        "directories whose content may be added by the HTTP API, as /srv,/data; empty: any"),
};

const size_t option_row_cnt = sizeof(option_rows) / sizeof(option_rows[0]);
static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTION_ROWS_MAX, "room for marks");

const struct option_row *
options_row_find(const char *name, size_t name_len)
{
	for (size_t i = 0; i < option_row_cnt; i++) {
		const char *row_name = option_rows[i].name;
		size_t k = 0;

		while (k < name_len && row_name[k] != '\0' &&
		       (row_name[k] == name[k] || (row_name[k] == '_' && name[k] == '-')))
			k++;
		if (k == name_len && row_name[k] == '\0')
			return &option_rows[i];
	}
	return NULL;
}

static int
set_number(struct options *options, const struct option_row *row, const char *value,
           struct fail *fail)
{
	char *end;

	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || isspace((unsigned char)value[0]))
		return fail_set(fail, EINVAL, "option %s: \"%s\" is not a whole number", row->name, value);
	if (errno == ERANGE || number < row->min || number > row->max)
		return fail_set(fail, ERANGE,
		                "option %s: %s is out of range, allowed are %" PRId64 " to %" PRId64 "%s%s",
		                row->name, value, row->min, row->max, row->unit[0] ? " " : "", row->unit);
	*(int64_t *)((char *)options + row->offset) = number;
	return 0;
}

static int
set_choice(struct options *options, const struct option_row *row, const char *value,
           struct fail *fail)
{
	char known[128] = "";

	for (size_t i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*(int64_t *)((char *)options + row->offset) = (int64_t)i;
			return 0;
		}
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i ? " or " : "",
		         row->choices[i]);
	}
	return fail_set(fail, EINVAL, "option %s: \"%s\" is not %s", row->name, value, known);
}

static int
set_text(struct options *options, const struct option_row *row, const char *value,
         struct fail *fail)
{
	size_t len = strlen(value);

	if (len < (size_t)row->min || len >= (size_t)row->max)
		return fail_set(fail, ERANGE,
		                "option %s: %zu bytes long, allowed are %" PRId64 " to %" PRId64 " bytes",
		                row->name, len, row->min, row->max - 1);
	struct fail inner;
	if (row->check != NULL && row->check(value, &inner) != 0)
		return fail_set(fail, EINVAL, "option %s: %.400s", row->name, inner.text);
	memcpy((char *)options + row->offset, value, len + 1);
	return 0;
}

int
options_row_set(struct options *options, const struct option_row *row, const char *value,
                struct fail *fail)
{
	switch (row->kind) {
	case OPTION_NUMBER:
		return set_number(options, row, value, fail);
	case OPTION_CHOICE:
		return set_choice(options, row, value, fail);
	default:
		return set_text(options, row, value, fail);
	}
}

void
options_default(struct options *options)
{
	struct fail fail;

	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < option_row_cnt; i++)
		if (options_row_set(options, &option_rows[i], option_rows[i].preset, &fail) != 0)
			abort(); /* a row whose default breaks its own bounds */
}

static bool
row_same(const struct options *a, const struct options *b, const struct option_row *row)
{
	const char *left = (const char *)a + row->offset;
	const char *right = (const char *)b + row->offset;

	return row->kind == OPTION_TEXT ? strcmp(left, right) == 0
	                                : *(const int64_t *)left == *(const int64_t *)right;
}

void
options_renew(struct options *options, const struct options *next, struct options_change *change)
{
	*change = (struct options_change){0};
	for (size_t i = 0; i < option_row_cnt; i++) {
		const struct option_row *row = &option_rows[i];
		size_t len = row->kind == OPTION_TEXT ? (size_t)row->max : sizeof(int64_t);

		if (row_same(options, next, row))
			continue;
		if (row->scope == START) {
			change->waiting[change->waiting_cnt++] = row->name;
			continue;
		}
		memcpy((char *)options + row->offset, (const char *)next + row->offset, len);
		change->done[change->done_cnt++] = row->name;
	}
}
