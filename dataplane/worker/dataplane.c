/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Starting and ending all workers together. */
#include "dataplane/worker/dataplane.h"

#include "dataplane/worker/sandbox.h"
#include "dataplane/worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static_assert((int)SANDBOX_ERROR_MAX <= (int)WORKER_ERROR_MAX, "its error is a worker's");
static_assert((int)ABI_WORKERS_MAX <= (int)PORT_QUEUES_MAX, "a queue for each worker");

struct dataplane {
	const struct abi_config *config;
	volatile bool *stop;
	struct port_device *device;
	struct publish publish;
	uint64_t boot_id;
	pthread_barrier_t together;
	struct thread {
		alignas(128) struct worker worker; /* no two write the same cache lines */
		struct dataplane *dataplane;
		uint32_t index;
		bool failed;
		char error[WORKER_ERROR_MAX];
	} threads[ABI_WORKERS_MAX];
};

static bool
some_failed(const struct dataplane *dataplane)
{
	for (uint32_t i = 0; i < dataplane->config->worker_cnt; i++)
		if (dataplane->threads[i].failed)
			return true;
	return false;
}

/* enter_sandbox is worker 0's to do, for all threads, when all workers have been made. */
static COLD void
enter_sandbox(struct thread *thread)
{
	if (thread->index == 0 && !some_failed(thread->dataplane))
		thread->failed = sandbox_enter(thread->dataplane->config->flags, thread->error) < 0;
	pthread_barrier_wait(&thread->dataplane->together);
}

static COLD void
fail(struct thread *thread, const char *why)
{
	thread->failed = true;
	snprintf(thread->error, sizeof(thread->error), "%s", why);
}

/* thread_run is a worker's life. At each barrier all workers are at the same step. */
static int
thread_run(void *arg)
{
	struct thread *thread = arg;
	struct dataplane *dataplane = thread->dataplane;
	struct worker_setup setup = {
		.config = dataplane->config,
		.index = thread->index,
		.port = thread->worker.port,
		.publish = &dataplane->publish,
		.boot_id = dataplane->boot_id,
		.stop = dataplane->stop,
	};

	thread->failed = !worker_create(&thread->worker, &setup, thread->error);
	pthread_barrier_wait(&dataplane->together);
	enter_sandbox(thread);
	if (!some_failed(dataplane))
		worker_run(&thread->worker);
	if (thread->worker.port_gone)
		fail(thread, "the other end of the port has gone");
	*dataplane->stop = true;
	worker_part(&thread->worker);
	pthread_barrier_wait(&dataplane->together);
	if (thread->index == 0)
		port_close(dataplane->device);
	pthread_barrier_wait(&dataplane->together);
	worker_destroy(&thread->worker);
	return 0;
}

/* open_device opens the port and gives each worker its queue. */
static COLD int
open_device(struct dataplane *dataplane, char *error)
{
	const struct abi_config *config = dataplane->config;
	struct port_config port = {
		.spec = config->port,
		.xdp_object = config->xdp_object,
		.address_be = config->address_be,
		.listen_port = config->listen_port,
		.mtu = config->mtu,
		.queue_cnt = (uint16_t)config->worker_cnt,
	};
	struct port_error why = {{0}};

	dataplane->device = port_open(&port, &why);
	if (dataplane->device == NULL) {
		snprintf(error, DATAPLANE_ERROR_MAX, "%s", why.text);
		return -1;
	}
	for (uint32_t i = 0; i < config->worker_cnt; i++)
		dataplane->threads[i].worker.port = port_queue(dataplane->device, (uint16_t)i,
		                                               &dataplane->threads[i].worker.ctr);
	return 0;
}

/* run_threads runs all workers to their end. A thread that does not start would leave the others
 * waiting, so it ends the process. */
static COLD int
run_threads(struct dataplane *dataplane, char *error)
{
	uint32_t cnt = dataplane->config->worker_cnt;

	pthread_barrier_init(&dataplane->together, NULL, cnt);
	for (uint32_t i = 0; i < cnt; i++) {
		struct thread *thread = &dataplane->threads[i];
		int started;

		thread->dataplane = dataplane;
		thread->index = i;
		started = i > 0 ? port_env_run(i, thread_run, thread) : 0;
		dp_assert(started == 0);
	}
	thread_run(&dataplane->threads[0]);
	for (uint32_t i = 1; i < cnt; i++)
		port_env_wait(i);
	pthread_barrier_destroy(&dataplane->together);
	for (uint32_t i = 0; i < cnt; i++) {
		const struct thread *thread = &dataplane->threads[i];

		if (!thread->failed)
			continue;
		if (cnt > 1)
			snprintf(error, DATAPLANE_ERROR_MAX, "worker %u: %s", i, thread->error);
		else
			snprintf(error, DATAPLANE_ERROR_MAX, "%s", thread->error);
		return -1;
	}
	return 0;
}

static COLD int
run(struct dataplane *dataplane, char *error)
{
	const struct abi_config *config = dataplane->config;
	int err;

	if (getrandom(&dataplane->boot_id, sizeof(dataplane->boot_id), 0) < 0) {
		snprintf(error, DATAPLANE_ERROR_MAX, "no random bytes: %s", strerror(errno));
		return -1;
	}
	err = publish_init(&dataplane->publish, config->worker_cnt, config->active_max);
	if (err < 0) {
		snprintf(error, DATAPLANE_ERROR_MAX, "no counters memfd: %s", strerror(-err));
		return -1;
	}
	err = open_device(dataplane, error);
	if (err == 0)
		err = run_threads(dataplane, error);
	publish_fini(&dataplane->publish);
	return err;
}

int
dataplane_serve(const struct abi_config *config, volatile bool *stop, char *error)
{
	static struct dataplane dataplane;

	dataplane.config = config;
	dataplane.stop = stop;
	return run(&dataplane, error);
}

int
dataplane_run(const struct abi_config *config, volatile bool *stop, char *error)
{
	bool no_huge = (config->flags & ABI_CONFIG_NO_HUGE) != 0;
	struct port_error why = {{0}};
	int err;

	if (port_env_init(config->file_prefix, no_huge, config->cpu, config->worker_cnt, &why) < 0) {
		snprintf(error, DATAPLANE_ERROR_MAX, "%s", why.text);
		return -1;
	}
	err = dataplane_serve(config, stop, error);
	port_env_fini();
	return err;
}
