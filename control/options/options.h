/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* options.h is spillwayd's configuration: one table row in options.c per option, with its bounds
 * and whether a change of it is live, from which come the parser of the configuration file, the
 * command line, --help and the default configuration file. The file is a flat YAML mapping
 * "option: value"; the command line is "--option value" or "--option=value", with '-' or '_'
 * between words, and wins over the file.
 *
 * Threads: plain data, no shared state.
 */
#ifndef SPILLWAY_CONTROL_OPTIONS_OPTIONS_H
#define SPILLWAY_CONTROL_OPTIONS_OPTIONS_H

#include "control/base/classes.h"
#include "control/options/cpus.h"
#include "control/base/fail.h"
#include "control/base/labels.h"
#include "dataplane/abi.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

enum option_limit {
	OPTION_DIR_MAX = 80,           /* bytes of run_dir: a socket path has 108 */
	OPTION_FILE_BYTES_MAX = 65536, /* a larger configuration file is refused */
	OPTION_CHANGES_MAX = 128,      /* more than there are options */
};

enum option_poll {
	OPTION_POLL_ADAPTIVE,
	OPTION_POLL_BUSY,
};

enum option_integrity {
	OPTION_INTEGRITY_ALWAYS,
	OPTION_INTEGRITY_SAMPLED,
	OPTION_INTEGRITY_OFF,
};

enum option_sandbox {
	OPTION_SANDBOX_ON,
	OPTION_SANDBOX_LOG,
	OPTION_SANDBOX_OFF,
};

enum option_dht {
	OPTION_DHT_NO,
	OPTION_DHT_YES,
	OPTION_DHT_READ_ONLY,
};

struct options {
	char port[ABI_PORT_MAX];
	char address[64];
	int64_t listen_port;
	int64_t mtu;
	char state_dir[PATH_MAX];
	char run_dir[OPTION_DIR_MAX];
	int64_t arena_mib;
	int64_t huge; /* 0 no, 1 yes */
	int64_t connections_max;
	int64_t torrents_max;
	int64_t active_max;
	int64_t poll; /* enum option_poll */
	int64_t integrity; /* enum option_integrity */
	int64_t iopoll; /* 0 no, 1 auto */
	int64_t workers; /* 0: auto */
	char cpu[CPUS_TEXT_MAX]; /* as cpus_parse */
	int64_t congestion; /* enum abi_congestion */
	char congestion_classes[CLASSES_TEXT_MAX]; /* as classes_parse */
	int64_t ecn; /* 0 no, 1 yes */
	int64_t pex; /* likewise */
	int64_t huge_tables; /* 0 no, 1 yes */
	int64_t connections_per_source;
	int64_t sandbox; /* enum option_sandbox */
	char user[32];
	int64_t announce; /* 0 no, 1 yes */
	int64_t announce_rate;
	char announce_address[64]; /* as announce_address_check */
	int64_t announce_port; /* 0: listen_port */
	int64_t tracker_timeout; /* seconds */
	int64_t tracker_scrape; /* seconds; 0: never */
	int64_t log_level; /* enum log_level */
	int64_t log_format; /* enum log_format */
	int64_t scrub; /* days; 0: never */
	int64_t scrub_rate; /* MiB/s */
	char rate_limit[32]; /* as policy_check_rate */
	char label_limits[2048]; /* as policy_check_labels */
	char peer_classes[4096]; /* as policy_check_classes */
	char blocklist[PATH_MAX]; /* as blocklist_read; "" for none */
	int64_t upload_slots; /* 0: none */
	int64_t choke; /* enum abi_choke */
	char slow_peer[48]; /* as policy_check_slow */
	char dataplane[PATH_MAX];
	char xdp_object[ABI_PATH_MAX];
	int64_t dht; /* enum option_dht */
	int64_t dht_port; /* 0: the one after listen_port */
	char dht_bootstrap[1024]; /* as dht_bootstrap_check */
	int64_t dht_rate; /* packets/s */
	char api[128]; /* as http_listen_check */
	char watch_dir[PATH_MAX];      /* "": none */
	char watch_data_dir[PATH_MAX]; /* "": watch_dir */
	char watch_label[LABEL_MAX];   /* "": none */
	char api_token_file[PATH_MAX]; /* "auto": in state_dir */
	char api_hosts[512]; /* as http_names_check */
	char api_origins[512];
	char api_data_dir[PATH_MAX];
	char api_roots[1024]; /* directories, with commas between */
};

enum options_action {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_PRINT_CONFIG,
	OPTIONS_PRINT_MAN,
};

/* options_default sets every option to its default. */
void
options_default(struct options *options);

/* options_load reads a configuration file over what options holds.
 *
 * Returns 0, or a negative errno with fail naming FILE:LINE, the option and its bounds: unknown or
 * repeated option, value out of range or not of its type, not a flat mapping, file missing,
 * unreadable or above OPTION_FILE_BYTES_MAX. options is then part-way changed. */
int
options_load(struct options *options, const char *path, struct fail *fail);

/* options_parse sets the defaults, reads the file of --config if there is one, then applies the
 * command line.
 *
 * argv    as main's; argv[0] is skipped, every other word must be an option.
 * action  out: what the caller should do.
 * Returns 0, or a negative errno with fail. With --help or --version the rest is not read. */
int
options_parse(struct options *options, int argc, char *const *argv, enum options_action *action,
              struct fail *fail);

/* What options_renew found changed; names are static. */
struct options_change {
	uint32_t done_cnt;
	uint32_t waiting_cnt;
	const char *done[OPTION_CHANGES_MAX];    /* live, and taken over */
	const char *waiting[OPTION_CHANGES_MAX]; /* for the next start */
};

/* options_renew takes over from next what is live; the rest stays as it is.
 * change: out, in the order of the table. */
void
options_renew(struct options *options, const struct options *next, struct options_change *change);

/* options_worker_cnt returns how many workers the dataplane is to have, [1, ABI_WORKERS_MAX]. */
uint32_t
options_worker_cnt(const struct options *options);

/* options_usage writes the text of --help. */
void
options_usage(FILE *out);

/* options_man writes the manual page spillwayd(8). */
void
options_man(FILE *out);

/* options_print writes options as a configuration file with a comment per option; options_load
 * reads it back to the same values when their texts are UTF-8. */
void
options_print(const struct options *options, FILE *out);

#endif
