/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a byte costs with one worker and with two that run beside each other: the same when they
 * share nothing. Each thread has a whole worker (TCP, wire, store, io_uring) and its own leechers
 * at the other end of a ring, and takes turns with them, so that no thread waits for another.
 *
 *   thread 0: worker 0 ◄─ ring, queue 0 ─► leechers     thread 1: worker 1 ◄─ queue 1 ─► leechers
 *
 * What two cores take from each other without any sharing (caches, threads of one core, clocks)
 * shows with two processes of one worker each at the same time:
 *
 *   workers_bench 512 0 & workers_bench 512 1
 *
 * Cycles are the thread's CPU time at the rate of the time stamp counter; of them the worker's
 * part is what the counter says of its turns. */
#include "perf/micro/store_bench.h"
#include "perf/micro/workers_client.h"

#include "dataplane/worker/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS = 2,
	ROUNDS = 5,
	FILE_LEN = 16 << 20,  /* the hot set: it stays in the arena */
	ARENA_MIB = 64,       /* of each worker */
	SEEDER = 0x0a000001,
	LEECHER = 0x0a000002,
	LISTEN_PORT = 6881,
	NS_PER_S = 1000 * 1000 * 1000,
	STATUS_SKIP = 77,     /* as meson has it */
};

struct bench {
	struct abi_config config;
	struct publish publish;
	struct port_device *ends[2];
	pthread_barrier_t together;
	uint64_t bytes;            /* for each worker to send */
	const char *path;
	volatile bool stop;
	struct thread {
		alignas(128) struct worker worker;
		struct client client;
		struct bench *bench;
		uint32_t index;
		char error[WORKER_ERROR_MAX];
		uint64_t cpu_ns;
		uint64_t worker_tsc;
		uint64_t tsc;
	} threads[WORKERS];
};

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "workers_bench: %s: %s\n", what, why);
	exit(1);
}

static void
make_worker(struct thread *thread)
{
	struct bench *bench = thread->bench;
	struct bench_options torrent = {.file = bench->path, .unit = ABI_UNIT_MAX,
	                                .integrity = STORE_INTEGRITY_ALWAYS};
	struct worker_setup setup = {
		.config = &bench->config,
		.index = thread->index,
		.port = thread->worker.port,
		.publish = &bench->publish,
		.stop = &bench->stop,
	};
	uint64_t len;

	if (!worker_create(&thread->worker, &setup, thread->error))
		die("a worker", thread->error);
	worker_turn(&thread->worker); /* the store learns what time it is */
	const struct torrent *added = bench_torrent_add(thread->worker.store, &torrent, &len);
	if (added == NULL)
		exit(1);
	thread->client.info_hash = added->info_hash;
	thread->client.piece_len = added->active->layout->piece_len;
	thread->client.block_cnt = len / CLIENT_BLOCK;
}

static void
make_client(struct thread *thread)
{
	struct tcp_remote seeder = {.addr_be = htonl(SEEDER), .port = LISTEN_PORT};

	memcpy(seeder.mac, port_info(thread->worker.port)->mac, sizeof(seeder.mac));
	thread->client.local.addr_be = htonl(LEECHER);
	if (!client_create(&thread->client, &seeder, clock_ns(CLOCK_MONOTONIC) / 1000))
		die("leechers", "no memory");
}

/* turns runs both until so many bytes have come. */
static void
turns(struct thread *thread, uint64_t bytes)
{
	uint64_t until = thread->client.had_bytes + bytes;
	uint64_t from_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t from = __builtin_ia32_rdtsc();
	uint64_t now = from;

	thread->worker_tsc = 0;
	while (thread->client.had_bytes < until && thread->client.closed_cnt == 0) {
		uint64_t begin = now;

		worker_turn(&thread->worker);
		now = __builtin_ia32_rdtsc();
		thread->worker_tsc += now - begin;
		client_turn(&thread->client, thread->worker.now_us);
		now = __builtin_ia32_rdtsc();
	}
	thread->tsc = now - from;
	thread->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from_ns;
	if (thread->client.closed_cnt > 0)
		die("a connection", "closed");
}

static int
thread_run(void *arg)
{
	struct thread *thread = arg;
	struct bench *bench = thread->bench;

	make_worker(thread);
	make_client(thread);
	turns(thread, FILE_LEN * 2); /* all is in memory, and windows are open */
	pthread_barrier_wait(&bench->together);
	turns(thread, bench->bytes);
	pthread_barrier_wait(&bench->together);
	worker_part(&thread->worker);
	tcp_destroy(thread->client.tcp);
	pthread_barrier_wait(&bench->together);
	if (thread->index == 0)
		for (int i = 0; i < 2; i++)
			port_close(bench->ends[i]);
	pthread_barrier_wait(&bench->together);
	worker_destroy(&thread->worker);
	return 0;
}

/* open_ends makes the ring and gives each thread its queue of both ends. */
static void
open_ends(struct bench *bench, uint32_t worker_cnt)
{
	struct port_config config = {.spec = "ring:bench", .mtu = 1500,
	                             .queue_cnt = (uint16_t)worker_cnt};
	struct port_error why;

	for (int i = 0; i < 2; i++) {
		bench->ends[i] = port_open(&config, &why);
		if (bench->ends[i] == NULL)
			die("the ring", why.text);
	}
	for (uint32_t i = 0; i < worker_cnt; i++) {
		struct thread *thread = &bench->threads[i];

		thread->bench = bench;
		thread->index = i;
		thread->worker.port = port_queue(bench->ends[0], (uint16_t)i, &thread->worker.ctr);
		thread->client.port = port_queue(bench->ends[1], (uint16_t)i, &thread->client.ctr);
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), abi_fd_listen(i)); /* no control */
	}
}

/* run returns the worker's cycles a byte, the mean of the workers. */
static double
run(const char *path, uint32_t worker_cnt, uint64_t bytes, double *whole)
{
	static struct bench bench;
	double cycles = 0;

	memset(&bench, 0, sizeof(bench));
	*whole = 0;
	bench.path = path;
	bench.bytes = bytes;
	bench.config = (struct abi_config){
		.address_be = htonl(SEEDER), .listen_port = LISTEN_PORT, .mtu = 1500,
		.flags = ABI_CONFIG_NO_HUGE | ABI_CONFIG_POLL_BUSY,
		.arena_mib = ARENA_MIB * worker_cnt, .connections_max = 64 * worker_cnt,
		.torrents_max = 4, .active_max = 4, .connections_per_source = 64 * worker_cnt,
		.buffer_len = ABI_UNIT_MAX,
		.worker_cnt = worker_cnt,
	};
	if (publish_init(&bench.publish, worker_cnt, 4) < 0)
		die("counters", strerror(errno));
	pthread_barrier_init(&bench.together, NULL, worker_cnt);
	open_ends(&bench, worker_cnt);
	for (uint32_t i = 1; i < worker_cnt; i++)
		if (port_env_run(i, thread_run, &bench.threads[i]) < 0)
			die("a thread", "does not start");
	thread_run(&bench.threads[0]);
	for (uint32_t i = 1; i < worker_cnt; i++)
		port_env_wait(i);
	for (uint32_t i = 0; i < worker_cnt; i++) {
		const struct thread *thread = &bench.threads[i];
		double part = (double)thread->worker_tsc / (double)thread->tsc;
		double each = (double)thread->cpu_ns / 1e9 *
		              (double)bench.publish.head->tsc_hz / (double)bytes;

		cycles += each * part / worker_cnt;
		*whole += each / worker_cnt;
	}
	pthread_barrier_destroy(&bench.together);
	publish_fini(&bench.publish);
	return cycles;
}

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* file_make returns a file of random bytes, to be unlinked. */
static void
file_make(char *path)
{
	static uint8_t bytes[FILE_LEN];
	uint64_t x = 1;
	int fd = mkstemp(path);

	for (size_t i = 0; i < sizeof(bytes); i += 8) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(bytes + i, &x, sizeof(x));
	}
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		die(path, strerror(errno));
	close(fd);
}

int
main(int argc, char **argv)
{
	uint64_t bytes = (argc > 1 ? strtoull(argv[1], NULL, 10) : 512) << 20;
	uint32_t most = argc > 2 ? (uint32_t)argc - 2 : WORKERS;
	int cpus[WORKERS] = {0, 1};
	char path[] = "/var/tmp/workers_bench_XXXXXX";
	char prefix[32];
	double cycles[WORKERS][ROUNDS], whole[WORKERS][ROUNDS];
	struct port_error why;

	if (bytes == 0 || most > WORKERS) {
		fprintf(stderr, "usage: workers_bench [MIB_OF_EACH_WORKER [CPU [CPU]]]\n");
		return 2;
	}
	for (uint32_t i = 0; argc > 2 && i < most; i++)
		cpus[i] = atoi(argv[2 + i]);
	if (geteuid() != 0) {
		fprintf(stderr, "workers_bench: needs root, as the port does\n");
		return STATUS_SKIP;
	}
	for (int fd = ABI_FD_LISTEN; fd < ABI_FD_END; fd++)
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
	file_make(path);
	snprintf(prefix, sizeof(prefix), "workers-bench-%d", (int)getpid());
	if (port_env_init(prefix, true, cpus, most, &why) < 0)
		die("DPDK", why.text);
	for (int round = 0; round < ROUNDS; round++)
		for (uint32_t cnt = 1; cnt <= most; cnt++)
			cycles[cnt - 1][round] = run(path, cnt, bytes, &whole[cnt - 1][round]);
	unlink(path);
	for (uint32_t cnt = 1; cnt <= most; cnt++) {
		qsort(cycles[cnt - 1], ROUNDS, sizeof(double), compare);
		qsort(whole[cnt - 1], ROUNDS, sizeof(double), compare);
		printf("%u worker%s  %.3f cycles a byte (%.3f to %.3f), with leechers %.3f\n", cnt,
		       cnt > 1 ? "s" : " ", cycles[cnt - 1][ROUNDS / 2], cycles[cnt - 1][0],
		       cycles[cnt - 1][ROUNDS - 1], whole[cnt - 1][ROUNDS / 2]);
	}
	if (most > 1)
		printf("ratio      %.3f\n", cycles[1][ROUNDS / 2] / cycles[0][ROUNDS / 2]);
	port_env_fini();
	return 0;
}
