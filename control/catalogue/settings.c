/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Settings of a torrent as JSON. */
#include "control/catalogue/settings.h"

#include <errno.h>
#include <inttypes.h>

const struct torrent_settings settings_preset = {.weight = TORRENT_WEIGHT_PRESET};

/* number_read reads a member of object in [min, max] into *value if it is there. */
static int
number_read(const json_t *object, const char *name, const uint64_t bounds[2], uint64_t *value,
            struct fail *fail)
{
	const json_t *member = json_object_get(object, name);

	if (member == NULL)
		return 0;
	json_int_t number = json_integer_value(member);
	if (!json_is_integer(member) || number < 0 || (uint64_t)number < bounds[0] ||
	    (uint64_t)number > bounds[1])
		return fail_set(fail, EINVAL, "\"%s\" is not a number from %" PRIu64 " to %" PRIu64, name,
		                bounds[0], bounds[1]);
	*value = (uint64_t)number;
	return 0;
}

static int
bool_read(const json_t *object, const char *name, bool *value, struct fail *fail)
{
	const json_t *member = json_object_get(object, name);

	if (member == NULL)
		return 0;
	if (!json_is_boolean(member))
		return fail_set(fail, EINVAL, "\"%s\" is neither true nor false", name);
	*value = json_is_true(member);
	return 0;
}

int
settings_read(struct torrent_settings *settings, const json_t *object, struct fail *fail)
{
	uint64_t weight = settings->weight, connections_max = settings->connections_max;
	int err = number_read(object, "rate_bytes_per_s", (uint64_t[]){0, TORRENT_RATE_MAX},
	                      &settings->rate_bytes_per_s, fail);

	if (err == 0)
		err = number_read(object, "weight", (uint64_t[]){TORRENT_WEIGHT_MIN, TORRENT_WEIGHT_MAX},
		                  &weight, fail);
	if (err == 0)
		err = number_read(object, "connections_max", (uint64_t[]){0, TORRENT_CONNECTIONS_MAX},
		                  &connections_max, fail);
	if (err == 0)
		err = bool_read(object, "paused", &settings->paused, fail);
	if (err == 0)
		err = bool_read(object, "super_seed", &settings->super_seed, fail);
	settings->weight = (uint32_t)weight;
	settings->connections_max = (uint32_t)connections_max;
	return err;
}
