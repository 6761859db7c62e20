/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The option table and everything that is generated from it. Whether an interface or a path exists
 * is not judged here but when the dataplane is started (preflight.c). */
#include "control/options.h"

#include <yaml.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum option_kind {
	OPTION_TEXT,   /* char[max], length in [min, max), and what check says */
	OPTION_NUMBER, /* int64_t in [min, max] */
	OPTION_CHOICE, /* int64_t, index into choices; min and max follow from it */
};

struct option_row {
	const char *name;
	enum option_kind kind;
	const char *unit;
	const char *preset;
	int64_t min;
	int64_t max;
	const char *const *choices;
	size_t offset;
	const char *help;
	int (*check)(const char *value, struct fail *fail); /* NULL: any text */
};

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
static const char *const poll_kinds[] = {"adaptive", "busy", NULL};

#define TEXT(field, preset, min, help)                                                             \
	{#field, OPTION_TEXT, "", preset, min, sizeof(((struct options *)0)->field), NULL,         \
	 offsetof(struct options, field), help, NULL}
#define CHECKED(field, preset, check, help)                                                        \
	{#field, OPTION_TEXT, "", preset, 0, sizeof(((struct options *)0)->field), NULL,           \
	 offsetof(struct options, field), help, check}
#define NUMBER(field, unit, preset, min, max, help)                                                \
	{#field, OPTION_NUMBER, unit, preset, min, max, NULL, offsetof(struct options, field), help, \
	 NULL}
#define CHOICE(field, choices, preset, help)                                                       \
	{#field, OPTION_CHOICE, "", preset, 0, 0, choices, offsetof(struct options, field), help, NULL}

static const struct option_row rows[] = {
	TEXT(port, "af_xdp:eth0", 1,
	     "network port: af_xdp:IFACE, af_packet:IFACE, tap:NAME, memif:SOCKET, "
	     "vhost-user:SOCKET, vhost-backend:SOCKET, ring or null"),
	TEXT(address, "auto", 1,
	     "IPv4 address served; auto is the interface's own (af_xdp only)"),
	NUMBER(listen_port, "", "6881", 1, 65535, "TCP port for peers"),
	NUMBER(mtu, "bytes", "1500", 576, 9000, "largest IP packet"),
	TEXT(state_dir, "/var/lib/spillway", 1, "directory of the catalogue, kept over restarts"),
	TEXT(run_dir, "/run/spillway", 1, "directory of sockets, lock and the dataplane's log"),
	NUMBER(arena_mib, "MiB", "256", 16, 1048576,
	       "memory for blocks of content, divided among the workers"),
	CHOICE(huge, yes_no, "yes", "take the arena from 2 MiB hugepages; --no-huge is huge: no"),
	CHOICE(huge_tables, yes_no, "no",
	       "take connections and tables from them too while there are some, for very many peers"),
	NUMBER(connections_max, "", "4096", 1, 1048576,
	       "peer connections at once; one of several workers takes its part and an eighth more"),
	NUMBER(torrents_max, "", "131072", 1, 4194304, "torrents in the catalogue"),
	NUMBER(active_max, "", "1024", 1, 65536, "torrents served at once, by each worker"),
	CHOICE(poll, poll_kinds, "adaptive", "adaptive sleeps when idle; busy never sleeps"),
	CHOICE(integrity, integrity_kinds, "always",
	       "reads whose bytes are compared with those verified; sampled: one in 16"),
	CHOICE(iopoll, no_auto, "auto",
	       "auto polls for reads from devices that have poll queues (nvme.poll_queues)"),
	CHOICE(workers, worker_cnts, "1",
	       "threads of the dataplane, each with its part of the peers; auto: one a CPU"),
	CHECKED(cpu, "-1", cpus_check,
	        "CPUs of the workers, one each, as 2,3; -1 is the scheduler's choice"),
	CHOICE(congestion, congestion_names, "cubic",
	       "congestion control where a torrent has no class; a change is for new connections"),
	CHECKED(congestion_classes, "", classes_check,
	        "congestion control by class of torrent, bulk=bbr,lan=newreno; spillway add --class"),
	CHOICE(ecn, yes_no, "yes",
	       "agree to ECN (RFC 3168) with peers that ask for it; we do not ask ourselves"),
	NUMBER(connections_per_source, "", "1024", 1, 1048576,
	       "peer connections from one address at once; of several workers as connections_max"),
	TEXT(dataplane, "auto", 1,
	     "the spillway-dp binary; auto looks beside spillwayd, in ../dataplane, then in PATH"),
	TEXT(xdp_object, "auto", 1,
	     "the XDP program of af_xdp; auto looks beside spillway-dp and in its port/"),
};

enum {
	ROW_CNT = sizeof(rows) / sizeof(rows[0]),
	NAME_WIDTH = 28,
};

static const struct option_row *
row_find(const char *name, size_t name_len)
{
	for (size_t i = 0; i < ROW_CNT; i++) {
		const char *row_name = rows[i].name;
		size_t k = 0;

		while (k < name_len && row_name[k] != '\0' &&
		       (row_name[k] == name[k] || (row_name[k] == '_' && name[k] == '-')))
			k++;
		if (k == name_len && row_name[k] == '\0')
			return &rows[i];
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

static int
row_set(struct options *options, const struct option_row *row, const char *value,
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
	for (size_t i = 0; i < ROW_CNT; i++)
		if (row_set(options, &rows[i], rows[i].preset, &fail) != 0)
			abort(); /* a row whose default breaks its own bounds */
}

/* ---- The configuration file. */

struct file_state {
	struct options *options;
	const char *path;
	bool seen[ROW_CNT];
};

static int
pair_apply(struct file_state *state, const yaml_node_t *key, const yaml_node_t *value,
           struct fail *fail)
{
	size_t line = key->start_mark.line + 1;

	if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE)
		return fail_set(fail, EINVAL, "%s:%zu: expected \"option: value\"", state->path, line);
	const char *name = (const char *)key->data.scalar.value;
	const struct option_row *row = row_find(name, strlen(name));
	if (row == NULL)
		return fail_set(fail, EINVAL, "%s:%zu: unknown option \"%.64s\"", state->path, line, name);
	if (state->seen[row - rows])
		return fail_set(fail, EINVAL, "%s:%zu: option %s is given twice", state->path, line,
		                row->name);
	state->seen[row - rows] = true;
	if (strlen((const char *)value->data.scalar.value) != value->data.scalar.length)
		return fail_set(fail, EINVAL, "%s:%zu: option %s: value holds a NUL byte", state->path,
		                line, row->name);
	struct fail inner;
	int err = row_set(state->options, row, (const char *)value->data.scalar.value, &inner);
	if (err != 0)
		fail_set(fail, -err, "%s:%zu: %.400s", state->path, line, inner.text);
	return err;
}

static int
document_apply(struct file_state *state, yaml_document_t *document, struct fail *fail)
{
	yaml_node_t *root = yaml_document_get_root_node(document);

	if (root == NULL) /* an empty file changes nothing */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return fail_set(fail, EINVAL, "%s:%zu: expected lines of \"option: value\"", state->path,
		                root->start_mark.line + 1);
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		int err = pair_apply(state, yaml_document_get_node(document, pair->key),
		                     yaml_document_get_node(document, pair->value), fail);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
stream_apply(struct file_state *state, FILE *file, struct fail *fail)
{
	yaml_parser_t parser;
	yaml_document_t document;

	if (!yaml_parser_initialize(&parser))
		return fail_set(fail, ENOMEM, "%s: out of memory", state->path);
	yaml_parser_set_input_file(&parser, file);
	int err;
	if (yaml_parser_load(&parser, &document)) {
		err = document_apply(state, &document, fail);
		yaml_document_delete(&document);
	} else {
		err = fail_set(fail, EINVAL, "%s:%zu: not YAML: %s", state->path,
		               parser.problem_mark.line + 1,
		               parser.problem ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	return err;
}

int
options_load(struct options *options, const char *path, struct fail *fail)
{
	struct file_state state = {.options = options, .path = path};
	struct stat st;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return fail_set(fail, errno, "configuration file %s: %s", path, strerror(errno));
	int err;
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
		err = fail_set(fail, EINVAL, "configuration file %s: not a regular file", path);
	else if (st.st_size > OPTION_FILE_BYTES_MAX)
		err = fail_set(fail, EFBIG, "configuration file %s: larger than %d bytes", path,
		               OPTION_FILE_BYTES_MAX);
	else
		err = stream_apply(&state, file, fail);
	fclose(file);
	return err;
}

/* ---- The command line. */

/* word_is_option splits "--name" or "--name=value"; *value stays NULL when it is not inside. */
static bool
word_is_option(const char *word, const char **name, size_t *name_len, const char **value)
{
	if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
		return false;
	const char *equals = strchr(word, '=');
	*name = word + 2;
	*name_len = equals != NULL ? (size_t)(equals - *name) : strlen(*name);
	*value = equals != NULL ? equals + 1 : NULL;
	return true;
}

static bool
name_is(const char *name, size_t name_len, const char *word)
{
	return strlen(word) == name_len && memcmp(name, word, name_len) == 0;
}

static int
word_action(const char *word, enum options_action *action)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		*action = OPTIONS_HELP;
	else if (strcmp(word, "--version") == 0)
		*action = OPTIONS_VERSION;
	else if (strcmp(word, "--print-config") == 0 || strcmp(word, "--print_config") == 0)
		*action = OPTIONS_PRINT_CONFIG;
	else
		return 0;
	return 1;
}

/* words_apply walks the command line. With options NULL it only looks for --config, which must be
 * read before the rest can win over it. */
static int
words_apply(struct options *options, int argc, char *const *argv, const char **config,
            struct fail *fail)
{
	enum options_action ignored;

	for (int i = 1; i < argc; i++) {
		const char *name, *value;
		size_t name_len;

		if (word_action(argv[i], &ignored))
			continue;
		if (!word_is_option(argv[i], &name, &name_len, &value))
			return fail_set(fail, EINVAL, "unexpected argument \"%s\"; see --help", argv[i]);
		bool no_huge = name_is(name, name_len, "no-huge") || name_is(name, name_len, "no_huge");
		if (no_huge && value == NULL) {
			if (options != NULL)
				options->huge = 0;
			continue;
		}
		const struct option_row *row = row_find(name, name_len);
		bool is_config = name_is(name, name_len, "config");
		if (row == NULL && !is_config)
			return fail_set(fail, EINVAL, "unknown option \"%s\"; see --help", argv[i]);
		if (value == NULL && ++i < argc)
			value = argv[i];
		if (value == NULL)
			return fail_set(fail, EINVAL, "option %s needs a value", argv[argc - 1]);
		if (is_config)
			*config = value;
		else if (options != NULL) {
			int err = row_set(options, row, value, fail);
			if (err != 0)
				return err;
		}
	}
	return 0;
}

int
options_parse(struct options *options, int argc, char *const *argv, enum options_action *action,
              struct fail *fail)
{
	const char *config = NULL;

	options_default(options);
	*action = OPTIONS_RUN;
	for (int i = 1; i < argc; i++)
		if (word_action(argv[i], action) && *action != OPTIONS_PRINT_CONFIG)
			return 0;
	int err = words_apply(NULL, argc, argv, &config, fail);
	if (err == 0 && config != NULL)
		err = options_load(options, config, fail);
	if (err == 0)
		err = words_apply(options, argc, argv, &config, fail);
	return err;
}

/* ---- What is generated. */

static void
value_text(const struct options *options, const struct option_row *row, char *out, size_t out_len)
{
	const char *field = (const char *)options + row->offset;

	if (row->kind == OPTION_TEXT)
		snprintf(out, out_len, "%s", field);
	else if (row->kind == OPTION_CHOICE)
		snprintf(out, out_len, "%s", row->choices[*(const int64_t *)field]);
	else
		snprintf(out, out_len, "%" PRId64, *(const int64_t *)field);
}

static void
bounds_text(const struct option_row *row, char *out, size_t out_len)
{
	const char *gap = row->unit[0] ? " " : "";

	out[0] = '\0';
	if (row->kind == OPTION_NUMBER)
		snprintf(out, out_len, "%" PRId64 " to %" PRId64 "%s%s", row->min, row->max, gap,
		         row->unit);
	for (size_t i = 0; row->kind == OPTION_CHOICE && row->choices[i] != NULL; i++)
		snprintf(out + strlen(out), out_len - strlen(out), "%s%s", i ? " or " : "",
		         row->choices[i]);
}

void
options_usage(FILE *out)
{
	fputs("usage: spillwayd [--config FILE] [--OPTION VALUE ...]\n\n"
	      "Seeds the torrents of its catalogue; the spillway command tells it what to seed.\n\n"
	      "  --config FILE               read options from FILE, lines of \"option: value\"\n"
	      "  --print-config              print the configuration as such a file, and end\n"
	      "  --no-huge                   same as --huge no\n"
	      "  --help, --version\n\nOptions:\n",
	      out);
	for (size_t i = 0; i < ROW_CNT; i++) {
		char flag[NAME_WIDTH * 2], bounds[96];

		snprintf(flag, sizeof(flag), "--%s", rows[i].name);
		for (char *p = flag; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		bounds_text(&rows[i], bounds, sizeof(bounds));
		fprintf(out, "  %-*s%s\n  %*s%s%s[%s]\n", NAME_WIDTH, flag, rows[i].help, NAME_WIDTH, "",
		        bounds, bounds[0] ? " " : "", rows[i].preset);
	}
	fputs("\nSignals: TERM or INT stop the dataplane and end; QUIT ends and leaves it serving.\n",
	      out);
}

/* needs_quotes is true for text that YAML would not read back as the same plain scalar. */
static bool
needs_quotes(const char *text)
{
	if (strchr("-?:,[]{}#&*!|>'\"%@` ~", text[0]) != NULL)
		return true;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '\\' || *p == '"' || *p == 0x7f ||
		    (*p == '#' && p > text && p[-1] == ' ') ||
		    ((p[0] == ':' || p[0] == ' ') && (p[1] == ' ' || p[1] == '\0')))
			return true;
	return false;
}

static void
print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

void
options_print(const struct options *options, FILE *out)
{
	fputs("# Configuration of spillwayd: lines of \"option: value\".\n"
	      "# This file is what spillwayd --print-config writes.\n",
	      out);
	for (size_t i = 0; i < ROW_CNT; i++) {
		char value[PATH_MAX], bounds[96];

		value_text(options, &rows[i], value, sizeof(value));
		bounds_text(&rows[i], bounds, sizeof(bounds));
		fprintf(out, "\n# %s", rows[i].help);
		if (bounds[0] != '\0')
			fprintf(out, "\n# %s", bounds);
		fprintf(out, "\n%s: ", rows[i].name);
		if (rows[i].kind == OPTION_TEXT && needs_quotes(value))
			print_quoted(value, out);
		else
			fputs(value, out);
		fputc('\n', out);
	}
}
