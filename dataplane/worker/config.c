/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading the start configuration. Control checks the same bounds with the options' names. */
#include "dataplane/worker/config.h"
#include "dataplane/base/limits.h"

#include <string.h>
#include <unistd.h>

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
within(uint32_t value, uint32_t min, uint32_t max)
{
	return value >= min && value <= max;
}

const char *
config_read(int fd, struct abi_config *config)
{
	if (pread(fd, config, sizeof(*config), 0) != (ssize_t)sizeof(*config))
		return "no configuration at descriptor 4: spillwayd starts this program";
	if (config->magic != ABI_MAGIC || config->version != ABI_VERSION)
		return "configuration of another version of spillwayd";
	if (!text_ends(config->port, sizeof(config->port)) ||
	    !text_ends(config->xdp_object, sizeof(config->xdp_object)) ||
	    !text_ends(config->file_prefix, sizeof(config->file_prefix)))
		return "a text of the configuration has no end";
	if (!within(config->mtu, MTU_MIN, MTU_MAX))
		return "mtu out of range";
	if (config->listen_port == 0)
		return "listen_port is 0";
	if (!within(config->worker_cnt, 1, ABI_WORKERS_MAX))
		return "worker_cnt out of range";
	for (uint32_t i = 0; i < config->worker_cnt; i++)
		if (config->cpu[i] < -1)
			return "cpu out of range";
	if (!within(config->arena_mib, 16 * config->worker_cnt, 1048576))
		return "arena_mib out of range";
	if (!within(config->buffer_len, ABI_BUFFER_MIN, ABI_UNIT_MAX) ||
	    (config->buffer_len & (config->buffer_len - 1)) != 0)
		return "buffer_len is not allowed";
	if (!within(config->connections_max, 1, 1048576))
		return "connections_max out of range";
	if (!within(config->connections_per_source, 1, 1048576))
		return "connections_per_source out of range";
	if ((config->flags & ABI_CONFIG_INTEGRITY_SAMPLED) != 0 &&
	    (config->flags & ABI_CONFIG_INTEGRITY_OFF) != 0)
		return "integrity is sampled and off";
	if (config->congestion >= ABI_CONGESTION_CNT)
		return "congestion is unknown";
	if (!within(config->torrents_max, 1, 4194304))
		return "torrents_max out of range";
	if (!within(config->active_max, 1, 65536))
		return "active_max out of range";
	return NULL;
}
