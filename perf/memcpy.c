/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-memcpy: how fast this machine copies memory, and what a byte costs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ALIGNMENT = 4096, ROUND_BYTES = 1 << 26, SECONDS_MAX = 3600 };

static const uint64_t LENGTH_MAX = 1ull << 32;

static double
seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* argument_read returns a number in [1, max], or 0. */
static uint64_t
argument_read(const char *text, uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && text[0] != '-' && value <= max ? value : 0;
}

/* copy_for copies for so long and returns the number of bytes. */
static uint64_t
copy_for(char *to, const char *from, size_t len, double seconds)
{
	double end_s = seconds_of(CLOCK_MONOTONIC) + seconds;
	uint64_t total = 0;
	size_t round;

	while (seconds_of(CLOCK_MONOTONIC) < end_s) {
		for (round = 0; round < ROUND_BYTES; round += len) {
			memcpy(to, from, len);
			__asm__ volatile("" : : "r"(to) : "memory");
			total += len;
		}
	}
	return total;
}

static char *
buffer_make(size_t len, int fill)
{
	char *buffer = aligned_alloc(ALIGNMENT, (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);

	if (buffer != NULL)
		memset(buffer, fill, len);
	return buffer;
}

int
main(int argc, char **argv)
{
	uint64_t len = argc == 3 ? argument_read(argv[1], LENGTH_MAX) : 0;
	uint64_t seconds = argc == 3 ? argument_read(argv[2], SECONDS_MAX) : 0;
	char *from, *to;
	double start_s, start_cpu_s;
	uint64_t total;

	if (len == 0 || seconds == 0) {
		fprintf(stderr, "usage: spillway-memcpy BYTES SECONDS\n");
		return 2;
	}
	from = buffer_make(len, 1);
	to = buffer_make(len, 2);
	if (from == NULL || to == NULL) {
		fprintf(stderr, "spillway-memcpy: no memory\n");
		free(from);
		free(to);
		return EXIT_FAILURE;
	}
	start_s = seconds_of(CLOCK_MONOTONIC);
	start_cpu_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	total = copy_for(to, from, len, (double)seconds);
	printf("{\"bytes\":%" PRIu64 ",\"bytes_per_s\":%.0f,\"cpu_s\":%.6f}\n", total,
	       (double)total / (seconds_of(CLOCK_MONOTONIC) - start_s),
	       seconds_of(CLOCK_THREAD_CPUTIME_ID) - start_cpu_s);
	free(from);
	free(to);
	return 0;
}
