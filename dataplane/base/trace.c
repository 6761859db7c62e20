/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The ring: summing, reading, words. */
#include "dataplane/base/trace.h"

#include <stdio.h>

static const struct {
	bool is_run;
	const char *name;
	const char *value[2];
} kinds[TRACE_KIND_CNT] = {
#define RUN true
#define ONE false
#define X(name, sort, a, b, text) {sort, #name, {a, b}},
	TRACE_LIST(X)
#undef X
#undef ONE
#undef RUN
};

void
trace_init(struct trace *trace)
{
	*trace = (struct trace){.cnt = 0};
}

/* event_back returns the record made so many before the next one. */
static uint32_t
event_back(const struct trace *trace, uint32_t back)
{
	return trace->next >= back ? trace->next - back : trace->next + TRACE_EVENTS_MAX - back;
}

static uint32_t
value_add(uint32_t value, uint64_t more)
{
	return (uint32_t)MIN(value + MIN(more, (uint64_t)UINT32_MAX), (uint64_t)UINT32_MAX);
}

/* run_grow adds to the record of a kind in the group that still grows. False: it has none. */
static bool
run_grow(struct trace *trace, enum trace_kind kind, uint64_t a, uint64_t b)
{
	for (uint32_t i = 1; i <= trace->run_cnt; i++) {
		struct trace_event *event = &trace->event[event_back(trace, i)];

		if (event->kind != kind)
			continue;
		event->a = value_add(event->a, a);
		event->b = value_add(event->b, b);
		return true;
	}
	return false;
}

void
trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, uint64_t a, uint64_t b)
{
	if (kinds[kind].is_run && run_grow(trace, kind, a, b))
		return;
	trace->event[trace->next] = (struct trace_event){
		.at_us = now_us,
		.a = value_add(0, a),
		.b = value_add(0, b),
		.kind = kind,
	};
	trace->next = event_back(trace, TRACE_EVENTS_MAX - 1);
	trace->cnt = MIN(trace->cnt + 1, (uint32_t)TRACE_EVENTS_MAX);
	trace->run_cnt = kinds[kind].is_run ? trace->run_cnt + 1 : 0;
}

uint32_t
trace_read(const struct trace *trace, struct trace_event *events)
{
	for (uint32_t i = 0; i < trace->cnt; i++)
		events[i] = trace->event[event_back(trace, trace->cnt - i)];
	return trace->cnt;
}

void
trace_text(const struct trace_event *event, char *out, uint32_t len)
{
	switch (event->kind) {
#define X(name, sort, first, second, text)                                                         \
	case TRACE_##name:                                                                         \
		snprintf(out, len, text, event->a, event->b);                                      \
		break;
	TRACE_LIST(X)
#undef X
	default:
		dp_assert(false);
	}
}

const char *
trace_name(enum trace_kind kind)
{
	dp_assert(kind < TRACE_KIND_CNT);
	return kinds[kind].name;
}

const char *
trace_value_name(enum trace_kind kind, uint32_t which)
{
	dp_assert(kind < TRACE_KIND_CNT && which < 2);
	return kinds[kind].value[which];
}
