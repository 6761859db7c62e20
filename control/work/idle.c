/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Priorities of the calling thread. */
#include "control/work/idle.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NICE_LAST = 19,
	BEST_EFFORT_LAST = 7,
};

void
idle_thread(enum idle_kind kind)
{
	const struct sched_param none = {0};
	int ioprio = kind == IDLE_UNTIL ? IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)
	                                : IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, BEST_EFFORT_LAST);

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_LAST);
	sched_setscheduler(0, SCHED_BATCH, &none);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, ioprio);
}
