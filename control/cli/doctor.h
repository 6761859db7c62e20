/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* doctor.h looks at the host that Spillway is to run on, and says of each thing that matters
 * whether it is well, with what to do beside it when it is not. It changes nothing and needs no
 * daemon.
 *
 *      doctor_host.c  memory, CPUs, kernel, limits
 *      doctor_net.c   the interface of the port, and what lies in the path of its packets
 *      doctor_disk.c  where content lies, and state_dir
 *
 * Threads: one. Memory: as struct doctor.
 */
#ifndef SPILLWAY_CONTROL_CLI_DOCTOR_H
#define SPILLWAY_CONTROL_CLI_DOCTOR_H

#include "control/options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_limit {
	DOCTOR_FINDINGS_MAX = 160,
	DOCTOR_SUBJECT_MAX = 48,
	DOCTOR_TEXT_MAX = 256,
	DOCTOR_FOLDERS_MAX = 16, /* of content; more are not looked at */
};

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_WARN, /* it works, but slower or less safely than it could */
	DOCTOR_BAD,  /* it does not work */
	DOCTOR_VERDICT_CNT
};

struct doctor_finding {
	enum doctor_verdict verdict;
	const char *area; /* "memory", "cpu", "kernel", "network", "disk": static */
	char subject[DOCTOR_SUBJECT_MAX];
	char text[DOCTOR_TEXT_MAX]; /* what was found */
	char fix[DOCTOR_TEXT_MAX];  /* a command, or what to do; "" when nothing is to be done */
};

struct doctor {
	const char *root; /* before every path of /sys and /proc: "" but in tests */
	const struct options *options;
	const char *folder[DOCTOR_FOLDERS_MAX]; /* of content */
	size_t folder_cnt;
	const char *area; /* of the findings to come */
	size_t cnt;
	size_t verdict_cnt[DOCTOR_VERDICT_CNT];
	struct doctor_finding finding[DOCTOR_FINDINGS_MAX];
};

/* doctor_run looks at everything. root, options and the folders are set, the rest is zero. */
void
doctor_run(struct doctor *doctor);

/* ---- What its parts share. */

/* doctor_say adds a finding without a fix. */
void
doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *subject,
           const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* doctor_fix sets the fix of the last finding, unless that is DOCTOR_OK. */
void
doctor_fix(struct doctor *doctor, const char *fix);

/* DOCTOR_SAY is both: fix, then a format and what it takes. */
#define DOCTOR_SAY(doctor, verdict, subject, fix, ...) \
	do { \
		doctor_say(doctor, verdict, subject, __VA_ARGS__); \
		doctor_fix(doctor, fix); \
	} while (0)

/* doctor_read reads the first line of a file below root into out.
 * Returns false, and "" in out, when there is none. */
bool
doctor_read(const struct doctor *doctor, char *out, size_t out_len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* doctor_number reads a number from a file below root; missing when there is none. */
int64_t
doctor_number(const struct doctor *doctor, int64_t missing, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* doctor_port writes the kind of the port and returns what follows the colon, "" for nothing. */
const char *
doctor_port(const struct doctor *doctor, char *kind, size_t kind_len);

void
doctor_memory(struct doctor *doctor);
void
doctor_cpu(struct doctor *doctor);
void
doctor_kernel(struct doctor *doctor);
void
doctor_net(struct doctor *doctor);
void
doctor_disk(struct doctor *doctor);

#endif
