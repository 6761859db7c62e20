/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* labels.h is what the operator calls torrents by in groups. The labels of a torrent are one text,
 * "archive,linux": ascending (by bytes), each once, with commas between; "" is none.
 */
#ifndef SPILLWAY_CONTROL_BASE_LABELS_H
#define SPILLWAY_CONTROL_BASE_LABELS_H

#include "control/base/fail.h"

#include <stdbool.h>

enum labels_limit {
	LABEL_MAX = 64,   /* bytes of one, with the NUL */
	LABELS_MAX = 16,  /* of one torrent */
	LABELS_TEXT_MAX = LABELS_MAX * LABEL_MAX, /* bytes of all, with commas and NUL */
};

/* label_check returns 0 for 1 to LABEL_MAX - 1 bytes without commas and control bytes that begin
 * with neither '+', '-' nor a blank and do not end in one, else -EINVAL with fail. */
int
label_check(const char *label, struct fail *fail);

/* labels_sound is true for a text as described above. */
bool
labels_sound(const char *labels);

/* labels_next takes the first label off: for (p = labels; (p = labels_next(p, label)) != NULL;)
 * sees each.
 *
 * labels  sound, or what labels_next returned.
 * label   out.
 * Returns the rest, or NULL when there was none to take. */
const char *
labels_next(const char *labels, char label[LABEL_MAX]);

/* labels_have is true when label is one of labels. */
bool
labels_have(const char *labels, const char *label);

/* labels_add adds a label that may be there already.
 * Returns 0, or with fail -EINVAL as label_check or -ENOSPC: there are LABELS_MAX. */
int
labels_add(char labels[LABELS_TEXT_MAX], const char *label, struct fail *fail);

/* labels_remove removes a label that may not be there. */
void
labels_remove(char labels[LABELS_TEXT_MAX], const char *label);

#endif
