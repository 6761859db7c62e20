/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A detached thread, and who of two is the last. */
#include "control/base/aside.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct aside {
	void (*run)(void *arg);
	void (*drop)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	bool left; /* by aside_end */
};

static void
aside_free(struct aside *aside)
{
	aside->drop(aside->arg);
	pthread_cond_destroy(&aside->ended);
	pthread_mutex_destroy(&aside->lock);
	free(aside);
}

static void *
thread_main(void *arg)
{
	struct aside *aside = arg;

	aside->run(aside->arg);
	pthread_mutex_lock(&aside->lock);
	aside->done = true;
	bool left = aside->left;
	pthread_cond_signal(&aside->ended);
	pthread_mutex_unlock(&aside->lock);
	if (left)
		aside_free(aside);
	return NULL;
}

static int
thread_start(struct aside *aside)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&thread, &attr, thread_main, aside);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

struct aside *
aside_begin(void (*run)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct aside *aside = calloc(1, sizeof(*aside));
	pthread_condattr_t attr;

	if (aside == NULL)
		return NULL;
	aside->run = run;
	aside->drop = drop;
	aside->arg = arg;
	pthread_mutex_init(&aside->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&aside->ended, &attr);
	pthread_condattr_destroy(&attr);
	if (thread_start(aside) == 0)
		return aside;
	pthread_cond_destroy(&aside->ended);
	pthread_mutex_destroy(&aside->lock);
	free(aside);
	return NULL;
}

bool
aside_done(struct aside *aside, int wait_ms)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&aside->lock);
	while (!aside->done && wait_ms > 0 && err == 0)
		err = pthread_cond_timedwait(&aside->ended, &aside->lock, &until);
	bool done = aside->done;
	pthread_mutex_unlock(&aside->lock);
	return done;
}

void
aside_end(struct aside *aside)
{
	if (aside == NULL)
		return;
	pthread_mutex_lock(&aside->lock);
	aside->left = true;
	bool done = aside->done;
	pthread_mutex_unlock(&aside->lock);
	if (done)
		aside_free(aside);
}
