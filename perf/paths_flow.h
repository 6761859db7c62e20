/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* paths_flow.h: the two roles of spillway-kernelflow. Single thread; each runs to its end. */
#ifndef SPILLWAY_PERF_PATHS_FLOW_H
#define SPILLWAY_PERF_PATHS_FLOW_H

#include "perf/paths_options.h"

enum paths_status { PATHS_DONE = 0, PATHS_FAILED = 1, PATHS_USAGE = 2, PATHS_NO_CC = 3 };

/* paths_send serves zeros until options->flow_cnt flows have ended or a signal says so, then
 * prints what TCP_INFO says of each flow. Returns the exit status. */
enum paths_status
paths_send(const struct paths_options *options);

/* paths_recv opens the flows, counts what comes and prints it. Returns the exit status. */
enum paths_status
paths_recv(const struct paths_options *options);

/* paths_stop_wanted is true once SIGTERM or SIGINT has come. */
bool
paths_stop_wanted(void);

/* paths_now_us is CLOCK_MONOTONIC in microseconds. */
uint64_t
paths_now_us(void);

#endif
