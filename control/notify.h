/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* notify.h tells the service manager how spillwayd is (sd_notify(3)): READY=1 once the dataplane
 * serves, STATUS= for people, RELOADING=1 around a reload, STOPPING=1, and WATCHDOG=1 as often as
 * it asks for. Without one (no NOTIFY_SOCKET) nothing is done.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_NOTIFY_H
#define SPILLWAY_CONTROL_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

enum { NOTIFY_STATUS_MAX = 128 };

struct notify {
	int64_t watchdog_ms; /* between two signs of life; 0: none are asked for */
	int64_t alive_ms;    /* when the last one was given */
	char status[NOTIFY_STATUS_MAX]; /* the last one told */
};

/* notify_init finds out what is asked for. */
void
notify_init(struct notify *notify);

/* notify_ready says that all is up, once; and that a reload is over. */
void
notify_ready(void);

/* notify_reloading says that the configuration is being read again. */
void
notify_reloading(void);

/* notify_stopping says that the end has begun. */
void
notify_stopping(void);

/* notify_status tells how it is, if that is not what was told last. */
void
notify_status(struct notify *notify, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* notify_run gives a sign of life when it is due; to be called from the loop only, so that a loop
 * that hangs gives none. Returns after how long it is due again, ms, or -1 for never. */
int
notify_run(struct notify *notify);

#endif
