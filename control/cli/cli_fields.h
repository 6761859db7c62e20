/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli_fields.h reads the members of what spillwayd answers. */
#ifndef SPILLWAY_CONTROL_CLI_CLI_FIELDS_H
#define SPILLWAY_CONTROL_CLI_CLI_FIELDS_H

#include "control/cli/cli.h"

enum {
	STATE_MAX = 64,
};

#define MIB (1024.0 * 1024.0)

/* A member that is not there is 0 or "". */

static inline double
field_number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static inline long long
field_integer(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static inline const char *
field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* state_text is the state with what goes with it, without the reason. */
void
state_text(const json_t *torrent, char out[STATE_MAX]);

#endif
