/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Small transfers, packet by packet, as they were when somebody last looked: each must be exactly
 * as its file in FOLDER has it (sim_trace.h says how to read one).
 *
 * usage: sim_tcp_snapshots FOLDER [--update]
 *
 * A difference is not an error in itself: it is what a change does to every path. Read it; when it
 * is meant, tests/sim/update snapshots writes the files anew. */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MSS = 1448, PATH_LEN = 512, MAX_US = 60 * 1000 * 1000 };

struct snapshot {
	const char *name;
	const char *about;
	uint32_t bytes;
	struct net_script script;
	uint32_t buffer_bytes;     /* the receiver's; 0: 1 MiB */
	uint32_t read_from_us;
	uint32_t burst_bytes;
	uint32_t burst_us;
};

static const struct snapshot snapshots[] = {
	{"slow_start", "ten segments at once, then slow start", 120 * MSS, .buffer_bytes = 0},
	{"one_loss", "the 15th packet is lost", 60 * MSS, .script = {.drop_at = 15, .drop_cnt = 1}},
	{"three_losses", "packets 15 to 17 are lost", 60 * MSS,
	 .script = {.drop_at = 15, .drop_cnt = 3}},
	{"tail_loss", "the last packet is lost", 20 * MSS, .script = {.drop_at = 20, .drop_cnt = 1}},
	{"timeout", "a whole flight is lost", 40 * MSS, .script = {.drop_at = 11, .drop_cnt = 20}},
	{"reordering_3", "three packets overtake the 15th", 60 * MSS,
	 .script = {.late_at = 15, .late_by = 3}},
	{"zero_window", "a reader that sleeps for two seconds", 30 * MSS, .buffer_bytes = 16384,
	 .read_from_us = 2000000},
	{"app_limited", "12 segments each half second", 60 * MSS, .burst_bytes = 12 * MSS,
	 .burst_us = 500000},
};

/* trace runs a snapshot. Returns its text; free it. */
static char *
trace(const struct snapshot *snapshot)
{
	uint32_t buffer_bytes = snapshot->buffer_bytes != 0 ? snapshot->buffer_bytes : 1 << 20;
	struct sim_config config = {
		.seed = 1, .flow_cnt = 1, .check = true,
		.flow = {
			.bytes = snapshot->bytes, .burst_bytes = snapshot->burst_bytes,
			.burst_us = snapshot->burst_us,
			.receiver = {.buffer_bytes = buffer_bytes,
			             .read_from_us = snapshot->read_from_us},
		},
	};
	char *text = NULL;
	size_t len = 0;
	struct sim sim;

	sim_link(&config, 100, 40000);
	config.down.queue_bytes = 1 << 20;
	config.down.script = snapshot->script;
	config.trace = open_memstream(&text, &len);
	dp_assert(config.trace != NULL);
	fprintf(config.trace, "# %s: 40 ms, 100 Mb/s\n", snapshot->about);
	sim_init(&sim, &config);
	dp_assert(sim_run(&sim, MAX_US));
	dp_assert(sim.flows[0].receiver.got == snapshot->bytes);
	sim_fini(&sim);
	fclose(config.trace);
	return text;
}

/* kept returns the text of a file, or an empty one when there is none; free it. */
static char *
kept(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (f == NULL || getdelim(&text, &room, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	if (f != NULL)
		fclose(f);
	return text;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
}

/* differ prints the first line where two texts are not alike. */
static void
differ(const char *path, const char *old, const char *now)
{
	uint32_t line = 1;
	size_t same = 0;

	for (size_t i = 0; old[i] != '\0' && old[i] == now[i]; i++) {
		if (old[i] == '\n') {
			line++;
			same = i + 1;
		}
	}
	printf("%s:%u\n  was %.*s\n  now %.*s\n", path, line, (int)strcspn(old + same, "\n"),
	       old + same, (int)strcspn(now + same, "\n"), now + same);
}

static bool
one(const struct snapshot *snapshot, const char *folder, bool update)
{
	char path[PATH_LEN];
	char *now = trace(snapshot);
	char *old;
	bool same;

	snprintf(path, sizeof(path), "%s/%s.txt", folder, snapshot->name);
	old = kept(path);
	same = strcmp(old, now) == 0;
	if (!same)
		differ(path, old, now);
	if (!same && update)
		write_file(path, now);
	free(old);
	free(now);
	return same || update;
}

int
main(int argc, char **argv)
{
	bool update = argc == 3 && strcmp(argv[2], "--update") == 0;
	bool good = true;

	if (argc != 2 && !update) {
		fprintf(stderr, "usage: %s FOLDER [--update]\n", argv[0]);
		return 2;
	}
	for (uint32_t i = 0; i < ARRAY_CNT(snapshots); i++)
		good &= one(&snapshots[i], argv[1], update);
	if (!good)
		printf("if that is meant: tests/sim/update snapshots\n");
	return good ? 0 : 1;
}
