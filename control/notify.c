/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Telling the service manager. */
#include "control/notify.h"

#include "control/base/clock.h"

#include <systemd/sd-daemon.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
notify_init(struct notify *notify)
{
	uint64_t usec = 0;

	*notify = (struct notify){0};
	if (sd_watchdog_enabled(0, &usec) > 0)
		notify->watchdog_ms = (int64_t)(usec / 2000); /* twice as often as it must be */
}

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	           (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(struct notify *notify, const char *fmt, ...)
{
	char status[NOTIFY_STATUS_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(status, sizeof(status), fmt, args);
	va_end(args);
	if (strcmp(status, notify->status) == 0)
		return;
	strcpy(notify->status, status);
	sd_notifyf(0, "STATUS=%s", status);
}

int
notify_run(struct notify *notify)
{
	if (notify->watchdog_ms == 0)
		return -1;
	int64_t wait_ms = notify->alive_ms + notify->watchdog_ms - clock_now_ms();
	if (wait_ms > 0)
		return (int)wait_ms;
	notify->alive_ms = clock_now_ms();
	sd_notify(0, "WATCHDOG=1");
	return (int)notify->watchdog_ms;
}
