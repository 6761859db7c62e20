/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway doctor. */
#include "control/cli/cli.h"

#include "control/cli/cli_table.h"
#include "control/cli/doctor.h"

#include <sqlite3.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDENT = 31 }; /* where texts begin */

#define CONFIG_PRESET "/etc/spillway/spillwayd.conf"

static const char *const verdict_names[DOCTOR_VERDICT_CNT] = {"ok", "warn", "bad"};

struct look {
	struct doctor doctor;
	struct options options;
	char *known[DOCTOR_FOLDERS_MAX]; /* read from the catalogue; freed */
	size_t known_cnt;
};

static void
folder_add(struct look *look, const char *folder)
{
	struct doctor *doctor = &look->doctor;

	for (size_t i = 0; i < doctor->folder_cnt; i++)
		if (strcmp(doctor->folder[i], folder) == 0)
			return;
	if (doctor->folder_cnt < DOCTOR_FOLDERS_MAX)
		doctor->folder[doctor->folder_cnt++] = folder;
}

/* catalogue_look takes the folders of content from the catalogue, if there is one that can be
 * read: spillwayd may be using it. */
static void
catalogue_look(struct look *look)
{
	char path[PATH_MAX + 16];
	sqlite3 *db = NULL;
	sqlite3_stmt *rows = NULL;

	snprintf(path, sizeof(path), "%s/catalogue.db", look->options.state_dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT DISTINCT data_dir FROM torrents LIMIT 16", -1, &rows,
	                       NULL) == SQLITE_OK)
		while (look->known_cnt < DOCTOR_FOLDERS_MAX && sqlite3_step(rows) == SQLITE_ROW)
			look->known[look->known_cnt++] = strdup((const char *)sqlite3_column_text(rows, 0));
	sqlite3_finalize(rows);
	sqlite3_close(db);
	for (size_t i = 0; i < look->known_cnt; i++)
		if (look->known[i] != NULL)
			folder_add(look, look->known[i]);
}

/* words_take reads the command line. Returns 0, or an exit code. */
static int
words_take(const struct cli *cli, struct look *look, int argc, char **argv)
{
	const char *config = access(CONFIG_PRESET, R_OK) == 0 ? CONFIG_PRESET : NULL;
	const char *port = NULL, *folder;
	struct fail fail;

	for (int i = 1; i < argc; i++) {
		int got = cli_option(argc, argv, &i, "--config", &config);
		if (got == 0)
			got = cli_option(argc, argv, &i, "--port", &port);
		if (got == 0 && (got = cli_option(argc, argv, &i, "--data", &folder)) == 1)
			folder_add(look, folder);
		if (got != 1)
			return cli_error(cli, CLI_USAGE, got < 0 ? "%s needs a value" :
			                 "unexpected argument \"%s\"", argv[i]);
	}
	options_default(&look->options);
	if (config != NULL && options_load(&look->options, config, &fail) != 0)
		return cli_error(cli, CLI_FAILED, "%s", fail.text);
	if (port != NULL && strlen(port) < sizeof(look->options.port))
		strcpy(look->options.port, port);
	return 0;
}

static int
print_json(const struct doctor *doctor)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < doctor->cnt; i++) {
		const struct doctor_finding *f = &doctor->finding[i];
		json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "verdict", verdict_names[f->verdict],
		                        "area", f->area, "subject", f->subject, "text", f->text);
		if (f->fix[0] != '\0')
			json_object_set_new(row, "fix", json_string(f->fix));
		json_array_append_new(findings, row);
	}
	return cli_print(json_pack("{s:b, s:i, s:i, s:i, s:o}", "ok",
	                           doctor->verdict_cnt[DOCTOR_BAD] == 0, "ok_cnt",
	                           (int)doctor->verdict_cnt[DOCTOR_OK], "warn_cnt",
	                           (int)doctor->verdict_cnt[DOCTOR_WARN], "bad_cnt",
	                           (int)doctor->verdict_cnt[DOCTOR_BAD], "findings", findings));
}

/* print_wrapped prints text from column INDENT on, words that do not fit below it; width 0: no end
 * of the line is known. */
static void
print_wrapped(const char *text, size_t width)
{
	size_t column = INDENT;
	char word[DOCTOR_TEXT_MAX];

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		memcpy(word, text, len);
		word[len] = '\0';
		if (width > 0 && column > INDENT && column + 1 + len > width) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		} else if (column > INDENT) {
			putchar(' ');
			column++;
		}
		cli_text(stdout, word);
		column += len;
		text += len;
		text += *text == ' ';
	}
	putchar('\n');
}

static void
print_finding(const struct doctor_finding *f, bool colours, size_t width)
{
	static const char *const colour[DOCTOR_VERDICT_CNT] = {"\033[32m", "\033[33m", "\033[31m"};
	char fix[DOCTOR_TEXT_MAX + 8];

	printf("  %s%-4s%s  %-*s ", colours ? colour[f->verdict] : "", verdict_names[f->verdict],
	       colours ? "\033[0m" : "", INDENT - 9, f->subject);
	print_wrapped(f->text, width);
	if (f->fix[0] == '\0')
		return;
	snprintf(fix, sizeof(fix), "fix: %.*s", DOCTOR_TEXT_MAX - 8, f->fix);
	printf("%*s%s", INDENT, "", colours ? "\033[1m" : "");
	print_wrapped(fix, 0); /* a command is to be copied whole */
	if (colours)
		fputs("\033[0m", stdout);
}

static void
print_all(const struct doctor *doctor)
{
	bool colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	size_t width = cli_terminal_columns();
	const char *area = "";

	for (size_t i = 0; i < doctor->cnt; i++) {
		const struct doctor_finding *f = &doctor->finding[i];

		if (strcmp(area, f->area) != 0)
			printf("%s%s\n", i > 0 ? "\n" : "", f->area);
		area = f->area;
		print_finding(f, colours, width);
	}
	printf("\n%zu ok, %zu warn, %zu bad\n", doctor->verdict_cnt[DOCTOR_OK],
	       doctor->verdict_cnt[DOCTOR_WARN], doctor->verdict_cnt[DOCTOR_BAD]);
}

static int
run_doctor(const struct cli *cli, int argc, char **argv)
{
	struct look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return cli_error(cli, CLI_FAILED, "out of memory");
	int code = words_take(cli, look, argc, argv);
	if (code == 0) {
		look->doctor.root = "";
		look->doctor.options = &look->options;
		catalogue_look(look);
		doctor_run(&look->doctor);
		if (!cli->json)
			print_all(&look->doctor);
		else if (print_json(&look->doctor) != CLI_DONE)
			code = CLI_FAILED;
		if (look->doctor.verdict_cnt[DOCTOR_BAD] > 0)
			code = CLI_FAILED;
	}
	for (size_t i = 0; i < look->known_cnt; i++)
		free(look->known[i]);
	free(look);
	return code;
}

const struct cli_command cli_command_doctor = {
	.name = "doctor",
	.usage = "[--config FILE] [--port PORT] [--data DIR]...",
	.help = "look at this host, and say what to change for Spillway",
	.more = "Works without spillwayd, and changes nothing. Each finding is ok, warn (it works,\n"
	        "but slower or less safely than it could) or bad (it does not work), with a fix\n"
	        "beside it.\n\n"
	        "  --config FILE  spillwayd's configuration [" CONFIG_PRESET "]\n"
	        "  --port PORT    as if that were its option port\n"
	        "  --data DIR     look at the disk there too; those of the catalogue are looked at\n\n"
	        "Exit status: 0 nothing is bad, 1 something is.\n",
	.run = run_doctor,
};
