/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Findings, and reading what the kernel tells. */
#include "control/cli/doctor.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *subject,
           const char *fmt, ...)
{
	va_list args;

	if (doctor->cnt == DOCTOR_FINDINGS_MAX)
		return;
	struct doctor_finding *finding = &doctor->finding[doctor->cnt++];
	doctor->verdict_cnt[verdict]++;
	finding->verdict = verdict;
	finding->area = doctor->area;
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	va_start(args, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	va_end(args);
}

void
doctor_fix(struct doctor *doctor, const char *fix)
{
	struct doctor_finding *last = doctor->cnt > 0 ? &doctor->finding[doctor->cnt - 1] : NULL;

	if (last != NULL && last->verdict != DOCTOR_OK)
		snprintf(last->fix, sizeof(last->fix), "%s", fix);
}

static bool
line_read(const struct doctor *doctor, char *out, size_t out_len, const char *fmt, va_list args)
{
	char path[PATH_MAX];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", doctor->root);

	out[0] = '\0';
	vsnprintf(path + len, sizeof(path) - len, fmt, args);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	bool got = fgets(out, (int)out_len, file) != NULL;
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
	return got;
}

bool
doctor_read(const struct doctor *doctor, char *out, size_t out_len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	bool got = line_read(doctor, out, out_len, fmt, args);
	va_end(args);
	return got;
}

int64_t
doctor_number(const struct doctor *doctor, int64_t missing, const char *fmt, ...)
{
	char line[64], *end;
	va_list args;

	va_start(args, fmt);
	bool got = line_read(doctor, line, sizeof(line), fmt, args);
	va_end(args);
	int64_t number = strtoll(line, &end, 10);
	return got && end != line ? number : missing;
}

const char *
doctor_port(const struct doctor *doctor, char *kind, size_t kind_len)
{
	const char *port = doctor->options->port;
	size_t len = strcspn(port, ":");

	snprintf(kind, kind_len, "%.*s", (int)len, port);
	return port[len] == ':' ? port + len + 1 : "";
}

void
doctor_run(struct doctor *doctor)
{
	static const struct {
		const char *area;
		void (*look)(struct doctor *doctor);
	} areas[] = {
		{"memory", doctor_memory}, {"cpu", doctor_cpu},   {"kernel", doctor_kernel},
		{"network", doctor_net},   {"disk", doctor_disk},
	};

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		doctor->area = areas[i].area;
		areas[i].look(doctor);
	}
}
