/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* settings.h reads struct torrent_settings from JSON, as the operator's requests and manifests have
 * them. */
#ifndef SPILLWAY_CONTROL_CATALOGUE_SETTINGS_H
#define SPILLWAY_CONTROL_CATALOGUE_SETTINGS_H

#include "control/catalogue/catalogue.h"
#include "control/base/fail.h"

#include <jansson.h>

/* The settings of a torrent nobody has said anything about. */
extern const struct torrent_settings settings_preset;

/* settings_read changes what object has of "rate_bytes_per_s", "weight", "connections_max"
 * (integers), "paused" and "super_seed" (true or false); other members are not looked at.
 * Returns 0 or -EINVAL with fail, which names the member; settings is undefined then. */
int
settings_read(struct torrent_settings *settings, const json_t *object, struct fail *fail);

#endif
