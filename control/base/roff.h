/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* roff.h prints text into a manual page (man(7)).
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_BASE_ROFF_H
#define SPILLWAY_CONTROL_BASE_ROFF_H

#include <stdio.h>

/* roff_text prints text, which begins a line, so that roff takes no character of it for its own. */
void
roff_text(FILE *out, const char *text);

/* roff_title prints what every page begins with: the line of its head.
 *
 * name  in capitals; section  "1", "8"; kind  what the section is called. */
void
roff_title(FILE *out, const char *name, const char *section, const char *kind);

#endif
