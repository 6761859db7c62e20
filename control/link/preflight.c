/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What can be known before the dataplane is started. */
#include "control/link/preflight.h"

#include "control/content/device.h"
#include "control/dht/dht.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static const struct port_kind {
	const char *name;
	bool has_iface;  /* the word after ':' is an interface that exists */
	bool has_word;   /* there is a word after ':' */
	bool has_kernel_address;
} port_kinds[] = {
	{"af_xdp", true, true, true},
	{"af_packet", true, true, false},
	{"tap", false, true, false},
	{"memif", false, true, false},
	{"vhost-user", false, true, false},
	{"vhost-backend", false, true, false},
	{"ring", false, false, false},
	{"null", false, false, false},
};

static int
port_split(const char *port, const struct port_kind **kind, const char **word, struct fail *fail)
{
	const char *colon = strchr(port, ':');
	size_t len = colon != NULL ? (size_t)(colon - port) : strlen(port);

	*word = colon != NULL ? colon + 1 : "";
	for (size_t i = 0; i < sizeof(port_kinds) / sizeof(port_kinds[0]); i++) {
		*kind = &port_kinds[i];
		if (strlen((*kind)->name) != len || memcmp((*kind)->name, port, len) != 0)
			continue;
		if ((*kind)->has_word && (*word)[0] == '\0')
			return fail_set(fail, EINVAL, "option port: \"%s\" lacks a name after \"%s:\"", port,
			                (*kind)->name);
		if (!(*kind)->has_word && colon != NULL)
			return fail_set(fail, EINVAL, "option port: \"%s\" takes nothing after \"%s\"", port,
			                (*kind)->name);
		return 0;
	}
	return fail_set(fail, EINVAL,
	                "option port: \"%s\" is not af_xdp:IFACE, af_packet:IFACE, tap:NAME, "
	                "memif:SOCKET, vhost-user:SOCKET, vhost-backend:SOCKET, ring or null",
	                port);
}

int
preflight_port(const char *port, struct fail *fail)
{
	const struct port_kind *kind;
	const char *word;

	return port_split(port, &kind, &word, fail);
}

static int
iface_check(const char *iface, struct fail *fail)
{
	if (strlen(iface) >= IFNAMSIZ || if_nametoindex(iface) == 0)
		return fail_set(fail, ENODEV, "no such interface: %s (option port)", iface);
	return 0;
}

static int
iface_address(const char *iface, uint32_t *address_be, struct fail *fail)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail_set(fail, errno, "interface %s: %s", iface, strerror(errno));
	strncpy(request.ifr_name, iface, IFNAMSIZ - 1);
	int err = ioctl(fd, SIOCGIFADDR, &request) == 0 ? 0 : errno;
	close(fd);
	if (err != 0)
		return fail_set(fail, err,
		                "interface %s has no IPv4 address (option address is auto: give the "
		                "interface one, or set it here)",
		                iface);
	struct sockaddr_in in;
	memcpy(&in, &request.ifr_addr, sizeof(in));
	*address_be = in.sin_addr.s_addr;
	return 0;
}

static int
address_resolve(const struct options *options, const struct port_kind *kind, const char *word,
                uint32_t *address_be, struct fail *fail)
{
	struct in_addr in;

	if (strcmp(options->address, "auto") == 0) {
		if (!kind->has_kernel_address)
			return fail_set(fail, EINVAL,
			                "option address: auto works with af_xdp only; set the IPv4 address "
			                "to be served on %s",
			                options->port);
		return iface_address(word, address_be, fail);
	}
	uint32_t host = 0;
	if (inet_pton(AF_INET, options->address, &in) == 1)
		host = ntohl(in.s_addr);
	if (host >> 24 == 0 || host >> 24 == 127 || host >> 28 >= 14)
		return fail_set(fail, EINVAL, "option address: \"%s\" is not an IPv4 host address or auto",
		                options->address);
	*address_be = in.s_addr;
	return 0;
}

int
preflight_address(const struct options *options, uint32_t *address_be, struct fail *fail)
{
	const struct port_kind *kind;
	const char *word;
	int err = port_split(options->port, &kind, &word, fail);

	return err != 0 ? err : address_resolve(options, kind, word, address_be, fail);
}

/* ---- Finding what belongs to this build or installation. */

static bool
own_dir(char *dir)
{
	ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);

	if (len <= 0)
		return false;
	dir[len] = '\0';
	char *slash = strrchr(dir, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* find_beside tries dir/place for each place; true with the first that access allows. */
static bool
find_beside(const char *dir, const char *const *places, int mode, char *out, size_t out_len)
{
	for (size_t i = 0; places[i] != NULL; i++) {
		char path[PATH_MAX], real[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", dir, places[i]);
		if (n < 0 || (size_t)n >= sizeof(path) || realpath(path, real) == NULL)
			continue;
		size_t len = strlen(real);
		if (len >= out_len || access(real, mode) != 0)
			continue;
		memcpy(out, real, len + 1);
		return true;
	}
	return false;
}

static bool
find_in_path(const char *name, char *out, size_t out_len)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t len = strcspn(path, ":");
		int n = snprintf(out, out_len, "%.*s/%s", (int)len, path, name);
		if (len > 0 && n > 0 && (size_t)n < out_len && access(out, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

int
preflight_binary(const struct options *options, char *out, struct fail *fail)
{
	static const char *const places[] = {"spillway-dp", "../dataplane/spillway-dp", NULL};
	char dir[PATH_MAX];

	if (strcmp(options->dataplane, "auto") != 0) {
		strcpy(out, options->dataplane);
		if (access(out, X_OK) != 0)
			return fail_set(fail, errno, "option dataplane: %s: %s", out, strerror(errno));
		return 0;
	}
	if (own_dir(dir) && find_beside(dir, places, X_OK, out, PATH_MAX))
		return 0;
	if (find_in_path("spillway-dp", out, PATH_MAX))
		return 0;
	return fail_set(fail, ENOENT,
	                "spillway-dp not found beside spillwayd, in ../dataplane or in PATH (option "
	                "dataplane)");
}

static int
object_find(const struct options *options, const char *binary, char *out, struct fail *fail)
{
	static const char *const places[] = {"spillway_xdp.o", "port/spillway_xdp.o",
	                                     "../lib/spillway/spillway_xdp.o", NULL};
	char dir[PATH_MAX], found[PATH_MAX];

	if (strcmp(options->xdp_object, "auto") != 0) {
		strcpy(out, options->xdp_object);
		if (access(out, R_OK) != 0)
			return fail_set(fail, errno, "option xdp_object: %s: %s", out, strerror(errno));
		return 0;
	}
	snprintf(dir, sizeof(dir), "%s", binary);
	char *slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
	if (slash == NULL || !find_beside(dir, places, R_OK, found, sizeof(found)) ||
	    strlen(found) >= ABI_PATH_MAX)
		return fail_set(fail, ENOENT,
		                "spillway_xdp.o not found beside spillway-dp or in its port/ (option "
		                "xdp_object)");
	strcpy(out, found);
	return 0;
}

/* ---- */

/* file_prefix_make names DPDK's runtime files after run_dir, so that instances keep apart. */
static void
file_prefix_make(const char *run_dir, char *out)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *p = run_dir; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	snprintf(out, ABI_PORT_MAX, "spillway-%08" PRIx32, hash);
}

static uint32_t
flags_of(const struct options *options)
{
	static const uint32_t integrity[] = {
		[OPTION_INTEGRITY_SAMPLED] = ABI_CONFIG_INTEGRITY_SAMPLED,
		[OPTION_INTEGRITY_OFF] = ABI_CONFIG_INTEGRITY_OFF,
	};

	static const uint32_t sandbox[] = {
		[OPTION_SANDBOX_LOG] = ABI_CONFIG_SANDBOX_LOG,
		[OPTION_SANDBOX_OFF] = ABI_CONFIG_SANDBOX_OFF,
	};

	return (options->huge ? 0 : ABI_CONFIG_NO_HUGE) |
	       (options->huge_tables ? ABI_CONFIG_HUGE_TABLES : 0) |
	       (options->poll == OPTION_POLL_BUSY ? ABI_CONFIG_POLL_BUSY : 0) |
	       (options->ecn ? ABI_CONFIG_ECN : 0) |
	       (options->pex ? ABI_CONFIG_PEX : 0) |
	       (options->iopoll && device_polls_any() ? ABI_CONFIG_IOPOLL : 0) |
	       integrity[options->integrity] | sandbox[options->sandbox];
}

/* workers_fill sets how many workers there are, and where. */
static int
workers_fill(struct abi_config *config, const struct options *options, struct fail *fail)
{
	struct cpus cpus;
	int err = cpus_parse(&cpus, options->cpu, fail);

	if (err != 0)
		return err;
	config->worker_cnt = cpus_worker_cnt(&cpus, (uint32_t)options->workers);
	for (uint32_t i = 0; i < ABI_WORKERS_MAX; i++)
		config->cpu[i] = i < cpus.cnt ? cpus.cpu[i] : -1;
	if (cpus.cnt != 0 && cpus.cnt != config->worker_cnt)
		return fail_set(fail, EINVAL,
		                "option cpu: \"%s\" has %" PRIu32 " CPUs for %" PRIu32 " workers (option "
		                "workers)",
		                options->cpu, cpus.cnt, config->worker_cnt);
	if (config->arena_mib / config->worker_cnt < PREFLIGHT_ARENA_MIB)
		return fail_set(fail, EINVAL,
		                "option arena_mib: %" PRIu32 " MiB are too few for %" PRIu32
		                " workers, %d MiB each are needed",
		                config->arena_mib, config->worker_cnt, PREFLIGHT_ARENA_MIB);
	return 0;
}

static void
numbers_fill(struct abi_config *config, const struct options *options)
{
	config->magic = ABI_MAGIC;
	config->version = ABI_VERSION;
	config->listen_port = (uint16_t)options->listen_port;
	config->mtu = (uint16_t)options->mtu;
	config->arena_mib = (uint32_t)options->arena_mib;
	config->connections_max = (uint32_t)options->connections_max;
	config->torrents_max = (uint32_t)options->torrents_max;
	config->active_max = (uint32_t)options->active_max;
	config->congestion = (uint32_t)options->congestion;
	config->connections_per_source = (uint32_t)options->connections_per_source;
}

int
preflight_fixed(struct abi_config *config, const struct options *options, const char *binary,
                struct fail *fail)
{
	const struct port_kind *kind;
	const char *word;
	int err = port_split(options->port, &kind, &word, fail);

	if (err == 0 && strcmp(kind->name, "af_xdp") == 0)
		err = object_find(options, binary, config->xdp_object, fail);
	if (err != 0)
		return err;
	strcpy(config->port, options->port);
	file_prefix_make(options->run_dir, config->file_prefix);
	config->flags = flags_of(options);
	return 0;
}

int
preflight_resolve(struct preflight *pre, const struct options *options, struct fail *fail)
{
	const struct port_kind *kind;
	const char *word;

	memset(pre, 0, sizeof(*pre));
	int err = port_split(options->port, &kind, &word, fail);
	if (err == 0 && kind->has_iface)
		err = iface_check(word, fail);
	if (err == 0)
		err = address_resolve(options, kind, word, &pre->config.address_be, fail);
	if (err == 0)
		err = preflight_binary(options, pre->binary, fail);
	if (err == 0)
		err = preflight_fixed(&pre->config, options, pre->binary, fail);
	if (err != 0)
		return err;
	numbers_fill(&pre->config, options);
	if (kind->has_kernel_address)
		pre->config.dht_port = dht_answering_port(options);
	return workers_fill(&pre->config, options, fail);
}

uint64_t
preflight_hugepages_missing(const struct abi_config *config, uint64_t free_cnt)
{
	uint64_t mib = (uint64_t)config->arena_mib + PREFLIGHT_OVERHEAD_MIB * config->worker_cnt;
	uint64_t need = (mib + PREFLIGHT_HUGEPAGE_MIB - 1) / PREFLIGHT_HUGEPAGE_MIB;

	return free_cnt >= need ? 0 : need - free_cnt;
}

static uint64_t
pages_read(const char *path)
{
	uint64_t cnt = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &cnt) != 1)
		cnt = 0;
	fclose(file);
	return cnt;
}

int
preflight_memory(const struct preflight *pre, struct fail *fail)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	uint64_t free_cnt = 0;
	uint64_t missing = 0;

	if (pre->config.flags & ABI_CONFIG_NO_HUGE)
		return 0;
	/* The kernel takes a dataplane's pinned pages back a moment after the process has ended. */
	for (int i = 0; i < PREFLIGHT_HUGEPAGE_TRIES; i++) {
		free_cnt = pages_read(HUGEPAGES_DIR "free_hugepages");
		missing = preflight_hugepages_missing(&pre->config, free_cnt);
		if (missing == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return fail_set(fail, ENOMEM,
	                "%" PRIu64 " hugepages of 2 MiB are free, arena_mib %" PRIu32 " needs %" PRIu64
	                ": prepare them with \"sysctl vm.nr_hugepages=%" PRIu64
	                "\", lower arena_mib, or start with --no-huge",
	                free_cnt, pre->config.arena_mib, free_cnt + missing,
	                pages_read(HUGEPAGES_DIR "nr_hugepages") + missing);
}
