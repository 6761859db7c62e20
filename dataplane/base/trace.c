/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The ring: packing, summing and reading. */
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

/* pack keeps the bits highest bits of a value, rounded down, and how far they were shifted. */
static uint32_t
pack(uint64_t value, uint32_t bits, uint32_t *shift)
{
	*shift = value >> bits == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(value) - bits;
	if (*shift < 32)
		return (uint32_t)(value >> *shift);
	*shift = 31;
	return (1u << bits) - 1;
}

static uint16_t
value_pack(uint64_t value)
{
	uint32_t shift;
	uint32_t top = pack(value, TRACE_VALUE_BITS, &shift);

	return (uint16_t)(shift << TRACE_VALUE_BITS | top);
}

static uint64_t
value_unpack(uint16_t packed)
{
	return (uint64_t)(packed & ((1u << TRACE_VALUE_BITS) - 1)) << (packed >> TRACE_VALUE_BITS);
}

static uint64_t
time_unpack(const struct trace_record *record)
{
	return (uint64_t)record->after << record->shift;
}

static struct trace_record *
record_at(struct trace *trace, uint32_t index)
{
	return &trace->record[index % TRACE_EVENTS_MAX];
}

/* run_grow adds to the record of a kind in the group that still grows. False: it has none. */
static bool
run_grow(struct trace *trace, enum trace_kind kind, uint64_t a, uint64_t b)
{
	for (uint32_t i = 0; i < trace->run_cnt; i++) {
		struct trace_record *record = record_at(trace, trace->cnt - trace->run_cnt + i);
		uint32_t *sum = trace->run[i];

		if (record->kind != kind)
			continue;
		sum[0] = (uint32_t)MIN(sum[0] + a, (uint64_t)UINT32_MAX);
		sum[1] = (uint32_t)MIN(sum[1] + b, (uint64_t)UINT32_MAX);
		record->a = value_pack(sum[0]);
		record->b = value_pack(sum[1]);
		return true;
	}
	return false;
}

static void
record_new(struct trace *trace, enum trace_kind kind, uint64_t now_us, uint64_t a, uint64_t b)
{
	uint64_t after_us = trace->last_us != 0 ? now_us - trace->last_us : 0;
	uint32_t shift;
	uint32_t after = pack(after_us, TRACE_TIME_BITS, &shift);

	*record_at(trace, trace->cnt++) = (struct trace_record){
		.kind = kind,
		.shift = shift,
		.after = after,
		.a = value_pack(a),
		.b = value_pack(b),
	};
	trace->last_us = now_us;
}

void
trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, uint64_t a, uint64_t b)
{
	dp_assert(now_us >= trace->last_us);
	if (!kinds[kind].is_run) {
		record_new(trace, kind, now_us, a, b);
		trace->run_cnt = 0;
		return;
	}
	if (run_grow(trace, kind, a, b))
		return;
	record_new(trace, kind, now_us, a, b);
	trace->run[trace->run_cnt][0] = (uint32_t)MIN(a, (uint64_t)UINT32_MAX);
	trace->run[trace->run_cnt++][1] = (uint32_t)MIN(b, (uint64_t)UINT32_MAX);
}

uint32_t
trace_read(const struct trace *trace, struct trace_event *events)
{
	uint32_t cnt = MIN(trace->cnt, (uint32_t)TRACE_EVENTS_MAX);
	uint64_t at_us = trace->last_us;

	for (uint32_t i = cnt; i-- > 0;) {
		const struct trace_record *record =
			&trace->record[(trace->cnt - cnt + i) % TRACE_EVENTS_MAX];

		events[i] = (struct trace_event){
			.at_us = at_us,
			.kind = record->kind,
			.a = value_unpack(record->a),
			.b = value_unpack(record->b),
		};
		at_us -= MIN(at_us, time_unpack(record));
	}
	return cnt;
}

void
trace_text(const struct trace_event *event, char *out, uint32_t len)
{
	unsigned a = (unsigned)MIN(event->a, UINT64_C(0xffffffff));
	unsigned b = (unsigned)MIN(event->b, UINT64_C(0xffffffff));

	switch (event->kind) {
#define X(name, sort, first, second, text)                                                         \
	case TRACE_##name:                                                                         \
		snprintf(out, len, text, a, b);                                                    \
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
