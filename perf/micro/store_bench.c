/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The store by itself: walks over one file, as peers walk over pieces, and what they cost. */
#include "perf/micro/store_bench.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

enum {
	HUGE_LEN = 2 << 20,
	REAP_MAX = 64,
	SLEEP_MS = 100,
	NS_PER_S = 1000 * 1000 * 1000,
};

struct walk {
	uint64_t next;   /* bytes into the file */
	uint64_t end;    /* of the run */
};

/* struct asked is a request with the walk that it belongs to. */
struct asked {
	struct store_req req;
	struct walk *walk;
	struct asked *next;  /* of those to be asked */
};

struct bench {
	const struct bench_options *options;
	struct store *store;
	struct counters ctr;
	struct abi_torrent_stat stat;
	struct torrent *torrent;
	uint64_t file_len;
	uint64_t random;
	struct walk *walks;
	struct asked *asked;
	struct asked *idle;
	uint64_t bytes;      /* of payload had */
	uint64_t absent;
	uint64_t poll_refused; /* torrents: 0 or 1 */
	uint64_t turns;
	uint64_t reading;    /* summed over turns */
};

/* struct clocks is now, or how much went by. */
struct clocks {
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t kernel_ns;
	uint64_t cycles;
};

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static struct clocks
clocks_now(void)
{
	struct clocks now = {clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID), 0, 0};
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	now.kernel_ns = (uint64_t)usage.ru_stime.tv_sec * NS_PER_S +
	                (uint64_t)usage.ru_stime.tv_usec * 1000;
#ifdef __x86_64__
	now.cycles = __rdtsc();
#else
	now.cycles = now.wall_ns;
#endif
	return now;
}

static uint64_t
draw(struct bench *bench)
{
	bench->random = bench->random * UINT64_C(6364136223846793005) + 1;
	return bench->random >> 20;
}

/* walk_jump begins the walk's next run. */
static void
walk_jump(struct bench *bench, struct walk *walk)
{
	uint64_t run = bench->options->run > 0 ? bench->options->run : bench->file_len;
	uint64_t cnt = (bench->file_len + run - 1) / run;

	walk->next = draw(bench) % cnt * run;
	walk->end = MIN(walk->next + run, bench->file_len);
}

/* next_block fills a request with the walk's next block. */
static void
next_block(struct bench *bench, struct asked *asked)
{
	uint32_t piece_len = bench->torrent->active->layout->piece_len;
	struct walk *walk = asked->walk;
	struct store_req *req = &asked->req;

	if (walk->next >= walk->end)
		walk_jump(bench, walk);
	req->torrent = bench->torrent;
	req->piece = (uint32_t)(walk->next / piece_len);
	req->begin = (uint32_t)(walk->next % piece_len);
	req->len = (uint32_t)MIN(bench->options->block, walk->end - walk->next);
	req->len = MIN(req->len, piece_len - req->begin);
	walk->next += req->len;
}

static void
over(struct bench *bench, struct asked *asked)
{
	struct store_req *req = &asked->req;

	if (req->status == STORE_READY)
		bench->bytes += req->len;
	else
		bench->absent++;
	for (uint32_t i = 0; i < req->span_cnt; i++)
		span_release(&req->spans[i]);
	asked->next = bench->idle;
	bench->idle = asked;
}

/* ask lets every idle request be asked again, until the store is busy. */
static void
ask(struct bench *bench)
{
	struct asked *asked = bench->idle;

	bench->idle = NULL;
	while (asked != NULL) {
		struct asked *next = asked->next;
		uint64_t was = asked->walk->next;

		next_block(bench, asked);
		switch (store_read(bench->store, &asked->req)) {
		case STORE_PENDING:
			break;
		case STORE_BUSY:
		case STORE_SHARE:
			asked->walk->next = was;
			asked->next = bench->idle;
			bench->idle = asked;
			break;
		default:
			over(bench, asked);
			break;
		}
		asked = next;
	}
}

static void
turn(struct bench *bench)
{
	struct store_req *reqs[REAP_MAX];
	uint32_t cnt;

	ask(bench);
	store_submit(bench->store);
	cnt = store_reap(bench->store, reqs, REAP_MAX);
	bench->turns++;
	bench->reading += store_reading(bench->store);
	for (uint32_t i = 0; i < cnt; i++)
		over(bench, CONTAINER_OF(reqs[i], struct asked, req));
	if (cnt == 0 && !bench->options->spin) {
		struct pollfd wait = {.fd = store_wait_fd(bench->store), .events = POLLIN};

		(void)poll(&wait, 1, SLEEP_MS);
	}
}

/* run takes turns for some time, and returns what they took. */
static struct clocks
run(struct bench *bench, uint64_t ns)
{
	struct clocks begin = clocks_now(), end;

	bench->bytes = bench->turns = bench->reading = 0;
	bench->ctr = (struct counters){.value = {0}};
	do {
		for (uint32_t i = 0; i < REAP_MAX; i++)
			turn(bench);
		end = clocks_now();
	} while (end.wall_ns - begin.wall_ns < ns);
	return (struct clocks){end.wall_ns - begin.wall_ns, end.cpu_ns - begin.cpu_ns,
	                       end.kernel_ns - begin.kernel_ns, end.cycles - begin.cycles};
}

static void
drain(struct bench *bench)
{
	struct store_req *reqs[REAP_MAX];

	while (store_reading(bench->store) > 0) {
		uint32_t cnt;

		store_submit(bench->store);
		cnt = store_reap(bench->store, reqs, REAP_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			over(bench, CONTAINER_OF(reqs[i], struct asked, req));
	}
}

static void
print(const struct bench *bench, const struct clocks *took)
{
	const struct bench_options *o = bench->options;
	uint64_t disk_bytes = bench->ctr.value[CTR_disk_bytes];
	uint64_t depth = (bench->reading + bench->turns / 2) / bench->turns;
	double bytes = (double)bench->bytes, seconds = (double)took->wall_ns / NS_PER_S;
	double per_ns = (double)took->cycles / (double)took->wall_ns;

	printf("{\"file_bytes\": %ju, \"block\": %ju, \"unit\": %ju, \"run\": %ju, \"peers\": %ju, "
	       "\"window\": %ju, \"integrity\": \"%s\", \"arena_mib\": %ju, \"huge\": %s, ",
	       bench->file_len, o->block, o->unit, o->run, o->peers, o->window,
	       bench_integrity_name(o->integrity), o->arena_mib, o->huge ? "true" : "false");
	printf("\"seconds\": %.3f, \"bytes\": %ju, \"mib_per_s\": %.1f, \"read_mib_per_s\": %.1f, "
	       "\"read_amplification\": %.3f, \"reads\": %ju, \"depth\": %ju, ",
	       seconds, bench->bytes, bytes / seconds / (1 << 20),
	       (double)disk_bytes / seconds / (1 << 20), (double)disk_bytes / bytes,
	       bench->ctr.value[CTR_disk_reads], depth);
	printf("\"tsc_hz\": %.0f, \"cpu_s\": %.3f, \"cycles_per_byte\": %.4f, "
	       "\"kernel_cycles_per_byte\": %.4f, \"checked\": %ju, \"unchecked\": %ju, ",
	       per_ns * NS_PER_S, (double)took->cpu_ns / NS_PER_S,
	       (double)took->cpu_ns * per_ns / bytes, (double)took->kernel_ns * per_ns / bytes,
	       bench->ctr.value[CTR_integrity_checked], bench->ctr.value[CTR_integrity_unchecked]);
	printf("\"polled\": %ju, \"poll_refused\": %ju, \"absent\": %ju, \"withdrawn\": %u, ",
	       bench->ctr.value[CTR_disk_polled], bench->poll_refused, bench->absent,
	       bench->torrent->active->withdrawn_cnt);
	printf("\"fio\": \"fio --name=floor --filename=%s --rw=%s --bs=%ju --iodepth=%ju "
	       "--runtime=%ju --time_based=1 --direct=1 --ioengine=io_uring --fixedbufs=1 "
	       "--registerfiles=1 --nonvectored=1 --norandommap=1 --randrepeat=0 "
	       "--output-format=json\"}\n",
	       o->file, o->run == 0 ? "read" : "randread", o->unit, MAX(depth, 1), o->seconds);
}

static void *
arena_make(const struct bench_options *options)
{
	int huge = options->huge ? MAP_HUGETLB : 0;
	size_t len = (size_t)options->arena_mib << 20;
	uint8_t *map = mmap(NULL, len + HUGE_LEN, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | huge, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	map += -(uintptr_t)map & (HUGE_LEN - 1);
	if (!options->huge)
		madvise(map, len, MADV_HUGEPAGE);
	memset(map, 0, len);
	return map;
}

static bool
bench_open(struct bench *bench)
{
	const struct bench_options *o = bench->options;
	uint64_t cnt = o->peers * o->window;
	struct store_config config = {
		.torrents_max = 1,
		.active_max = 1,
		.arena = arena_make(o),
		.arena_len = o->arena_mib << 20,
		.buffer_len = (uint32_t)MAX(o->unit, ABI_BUFFER_MIN),
		.integrity = o->integrity,
		.polled = o->polled,
		.ctr = &bench->ctr,
		.stats = &bench->stat,
	};

	bench->random = o->seed;
	bench->walks = calloc(o->peers, sizeof(*bench->walks));
	bench->asked = calloc(cnt, sizeof(*bench->asked));
	if (config.arena == NULL || bench->walks == NULL || bench->asked == NULL) {
		fprintf(stderr, "store_bench: no memory: %s\n", strerror(errno));
		return false;
	}
	for (uint64_t i = 0; i < cnt; i++) {
		bench->asked[i].walk = &bench->walks[i % o->peers];
		bench->asked[i].next = bench->idle;
		bench->idle = &bench->asked[i];
	}
	bench->store = store_create(&config);
	if (bench->store == NULL) {
		fprintf(stderr, "store_bench: the store could not start: %s\n", strerror(errno));
		return false;
	}
	bench->torrent = bench_torrent_add(bench->store, o, &bench->file_len);
	return bench->torrent != NULL;
}

int
main(int argc, char **argv)
{
	static struct bench bench;
	struct bench_options options;
	struct clocks took;

	if (bench_options_parse(&options, argc, argv) != 0)
		return 2;
	if (options.help) {
		bench_options_usage();
		return 0;
	}
	bench.options = &options;
	if (!bench_open(&bench))
		return 1;
	store_join(bench.store, bench.torrent);
	(void)run(&bench, NS_PER_S / 4);
	bench.poll_refused = bench.ctr.value[CTR_disk_poll_refused];
	took = run(&bench, options.seconds * NS_PER_S);
	drain(&bench);
	print(&bench, &took);
	return bench.absent > 0;
}
