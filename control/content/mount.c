/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* statvfs, aside. */
#include "control/content/mount.h"

#include "control/base/aside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct question {
	char *path;
	struct statvfs st;
	int err;
};

/* What has not been answered; the process's, for it is the kernel that keeps it waiting. */
static struct silent {
	struct aside *aside; /* NULL: free */
	char *path;
} silent[MOUNT_SILENT_MAX];

static void
question_ask(void *arg)
{
	struct question *q = arg;

	q->err = statvfs(q->path, &q->st) == 0 ? 0 : errno;
}

static void
question_free(void *arg)
{
	struct question *q = arg;

	free(q->path);
	free(q);
}

/* silent_sweep forgets what was answered meanwhile. */
static void
silent_sweep(void)
{
	for (int i = 0; i < MOUNT_SILENT_MAX; i++) {
		if (silent[i].aside == NULL || !aside_done(silent[i].aside, 0))
			continue;
		aside_end(silent[i].aside);
		free(silent[i].path);
		silent[i] = (struct silent){0};
	}
}

/* silent_place returns where a question may be kept; NULL when path is there already, or none is
 * left. */
static struct silent *
silent_place(const char *path)
{
	struct silent *place = NULL;

	silent_sweep();
	for (int i = 0; i < MOUNT_SILENT_MAX; i++) {
		if (silent[i].aside == NULL)
			place = &silent[i];
		else if (strcmp(silent[i].path, path) == 0)
			return NULL;
	}
	return place;
}

/* question_make returns a question, or NULL. */
static struct question *
question_make(const char *path)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->path = strdup(path);
	if (q->path != NULL)
		return q;
	free(q);
	return NULL;
}

int
mount_ask(const char *path, struct statvfs *st, struct fail *fail)
{
	struct silent *place = silent_place(path);

	if (place == NULL)
		return fail_set(fail, ETIMEDOUT, "%s: its file system does not answer", path);
	struct question *q = question_make(path);
	char *kept = q != NULL ? strdup(path) : NULL;
	struct aside *aside = kept != NULL ? aside_begin(question_ask, question_free, q) : NULL;
	if (aside == NULL) {
		free(kept);
		if (q != NULL)
			question_free(q);
		return fail_set(fail, ENOMEM, "out of memory or of threads");
	}
	if (!aside_done(aside, MOUNT_WAIT_MS)) {
		*place = (struct silent){.aside = aside, .path = kept};
		return fail_set(fail, ETIMEDOUT, "%s: its file system does not answer", path);
	}
	free(kept);
	*st = q->st;
	int err = q->err;
	aside_end(aside);
	return err == 0 ? 0 : fail_set(fail, err, "%s: %s", path, strerror(err));
}
