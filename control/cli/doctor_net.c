/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The interface of the port. */
#include "control/cli/doctor.h"

#include "control/link/preflight.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NET "/sys/class/net/%s/"

enum { XDP_MTU_MAX = 3498 };

/* folder_cnt counts the entries of a folder below root that begin with prefix; -1: no folder. */
static int
folder_cnt(const struct doctor *doctor, const char *path, const char *prefix)
{
	char whole[PATH_MAX];
	const struct dirent *entry;
	int cnt = 0;

	snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
	DIR *dir = opendir(whole);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		cnt += entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return cnt;
}

/* link_name writes the last part of what a link below root leads to; "" when there is none. */
static void
link_name(const struct doctor *doctor, char *out, size_t out_len, const char *path)
{
	char whole[PATH_MAX], target[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
	ssize_t len = readlink(whole, target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = '\0';
	snprintf(out, out_len, "%s", len > 0 ? basename(target) : "");
}

static int
ethtool(const char *iface, void *data)
{
	struct ifreq ifr = {.ifr_data = data};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", iface);
	int err = ioctl(fd, SIOCETHTOOL, &ifr) == 0 ? 0 : -errno;
	close(fd);
	return err;
}

/* driver_find writes the name of the interface's driver: of its device, or as it says itself. */
static void
driver_find(const struct doctor *doctor, const char *iface, char *out, size_t out_len)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), NET "device/driver", iface);
	link_name(doctor, out, out_len, path);
	if (out[0] == '\0' && doctor->root[0] == '\0' && ethtool(iface, &info) == 0)
		snprintf(out, out_len, "%s", info.driver);
}

static void
driver_look(struct doctor *doctor, const char *driver)
{
	/* Those whose drivers run XDP programs before the kernel has made a packet of what came. */
	static const char *const native[] = {
		"i40e", "ice", "ixgbe", "ixgbevf", "igb", "igc", "mlx4_en", "mlx5_core", "bnxt_en", "ena",
		"gve", "hv_netvsc", "virtio_net", "veth", "nfp", "qede", "sfc", "thunder-nic", "mvneta",
		"mvpp2", "stmmac", "atlantic", "cxgb4", "fec", "tsnep", "tun", "bonding", NULL,
	};
	bool known = false;

	for (size_t i = 0; native[i] != NULL; i++)
		known |= strcmp(native[i], driver) == 0;
	DOCTOR_SAY(doctor, known ? DOCTOR_OK : DOCTOR_WARN, "driver",
	           "a NIC whose driver has native XDP, or port: af_packet:", "%s%s",
	           driver[0] != '\0' ? driver : "none that says its name",
	           known ? " runs XDP programs itself"
	                 : ": the kernel may have to run XDP programs, which is slower");
}

static void
queues_look(struct doctor *doctor, const char *iface, const char *driver)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	uint32_t workers = options_worker_cnt(doctor->options);
	char path[PATH_MAX], fix[DOCTOR_TEXT_MAX];
	bool veth = strcmp(driver, "veth") == 0;

	snprintf(path, sizeof(path), NET "queues", iface);
	int rx = folder_cnt(doctor, path, "rx-");
	if (doctor->root[0] == '\0' && ethtool(iface, &channels) == 0 &&
	    channels.rx_count + channels.combined_count > 0)
		rx = (int)(channels.rx_count + channels.combined_count);
	if (rx < 0)
		return;
	snprintf(fix, sizeof(fix), "ethtool -L %s %s %" PRIu32, iface, veth ? "rx" : "combined",
	         workers);
	bool same = (uint32_t)rx == workers;
	DOCTOR_SAY(doctor, same ? DOCTOR_OK : DOCTOR_BAD, "queues", fix,
	           "%d receive %s for %" PRIu32 " %s%s", rx, rx == 1 ? "queue" : "queues", workers,
	           workers == 1 ? "worker" : "workers",
	           same ? "" : ": what comes to the others is not seen");
	if (workers > 1 && veth)
		DOCTOR_SAY(doctor, DOCTOR_BAD, "channels", "workers: 1, or port: af_packet:",
		           "a veth has no combined ones, which several workers need");
}

static void
mtu_look(struct doctor *doctor, const char *iface, bool xdp)
{
	int64_t mtu = doctor_number(doctor, -1, NET "mtu", iface);
	int64_t wanted = doctor->options->mtu;
	char fix[DOCTOR_TEXT_MAX];

	if (mtu < 0)
		return;
	snprintf(fix, sizeof(fix), "ip link set %s mtu %" PRId64 ", or mtu: %" PRId64
	         " in the configuration", iface, wanted, mtu);
	if (xdp && wanted > XDP_MTU_MAX)
		DOCTOR_SAY(doctor, DOCTOR_BAD, "mtu", "mtu: 3498 or less in the configuration",
		           "%" PRId64 " is more than a packet of AF_XDP holds", wanted);
	else
		DOCTOR_SAY(doctor, mtu < wanted ? DOCTOR_BAD : DOCTOR_OK, "mtu", fix,
		           "%" PRId64 " of the interface, %" PRId64 " asked for", mtu, wanted);
}

static void
up_look(struct doctor *doctor, const char *iface)
{
	char state[32], fix[DOCTOR_TEXT_MAX];

	doctor_read(doctor, state, sizeof(state), NET "operstate", iface);
	bool up = strcmp(state, "up") == 0 || strcmp(state, "unknown") == 0;
	snprintf(fix, sizeof(fix), "ip link set %s up", iface);
	DOCTOR_SAY(doctor, up ? DOCTOR_OK : DOCTOR_BAD, "link", fix, "%s is %s", iface, state);
	int64_t speed = up ? doctor_number(doctor, -1, NET "speed", iface) : -1;
	if (speed > 0)
		DOCTOR_SAY(doctor, DOCTOR_OK, "speed", "", "%" PRId64 " Mb/s", speed);
}

/* offloads_look: LRO makes packets that XDP refuses; a veth's end leaves checksums unfinished. */
static void
offloads_look(struct doctor *doctor, const char *iface, const char *driver)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	char fix[DOCTOR_TEXT_MAX];

	if (doctor->root[0] == '\0' && ethtool(iface, &flags) == 0) {
		bool lro = (flags.data & ETH_FLAG_LRO) != 0;
		snprintf(fix, sizeof(fix), "ethtool -K %s lro off", iface);
		DOCTOR_SAY(doctor, lro ? DOCTOR_BAD : DOCTOR_OK, "lro", fix, "%s",
		           lro ? "on: drivers refuse an XDP program then" : "off");
	}
	if (strcmp(driver, "veth") == 0)
		DOCTOR_SAY(doctor, DOCTOR_WARN, "checksums", "at the veth's other end: ethtool -K IFACE tx "
		           "off", "a kernel at the other end of a veth leaves them undone");
}

/* numa_look compares the NIC's node with those of the workers' CPUs. */
static void
numa_look(struct doctor *doctor, const char *iface)
{
	int64_t node = doctor_number(doctor, -1, NET "device/numa_node", iface);
	char subject[DOCTOR_SUBJECT_MAX], list[128], path[PATH_MAX];
	struct cpus cpus;
	struct fail ignored;

	if (node < 0 || cpus_parse(&cpus, doctor->options->cpu, &ignored) != 0)
		return;
	doctor_read(doctor, list, sizeof(list), "/sys/devices/system/node/node%d/cpulist", (int)node);
	for (uint32_t i = 0; i < cpus.cnt; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", cpus.cpu[i]);
		char name[16];
		snprintf(name, sizeof(name), "node%d", (int)node);
		bool near = folder_cnt(doctor, path, name) > 0;
		snprintf(subject, sizeof(subject), "node of CPU %d", cpus.cpu[i]);
		char fix[DOCTOR_TEXT_MAX];
		snprintf(fix, sizeof(fix), "choose CPUs of node %d in option cpu: %.100s", (int)node, list);
		DOCTOR_SAY(doctor, near ? DOCTOR_OK : DOCTOR_WARN, subject, fix, "%s",
		           near ? "the NIC's" : "not the NIC's: every packet crosses between them");
	}
}

static void
iommu_look(struct doctor *doctor)
{
	int cnt = folder_cnt(doctor, "/sys/class/iommu", "");

	DOCTOR_SAY(doctor, DOCTOR_OK, "iommu", "",
	           cnt > 0 ? "there" : "none: this kind of port needs none, vfio would");
}

/* path_look: what else of the kernel sees the packets of peers. */
static void
path_look(struct doctor *doctor, const char *kind)
{
	char fix[DOCTOR_TEXT_MAX];
	int64_t tracked = doctor_number(doctor, -1, "/proc/sys/net/netfilter/nf_conntrack_count");

	if (tracked < 0 || strcmp(kind, "af_xdp") == 0) {
		DOCTOR_SAY(doctor, DOCTOR_OK, "firewall", "",
		           tracked < 0 ? "no connection tracking"
		                       : "connection tracking does not see the packets of peers");
		return;
	}
	snprintf(fix, sizeof(fix), "nft 'add table inet spillway; add chain inet spillway raw { type "
	         "filter hook prerouting priority raw; }; add rule inet spillway raw tcp dport %" PRId64
	         " notrack'", doctor->options->listen_port);
	DOCTOR_SAY(doctor, DOCTOR_WARN, "firewall", fix,
	           "connection tracking is on, and sees every packet of a peer (%" PRId64 " entries)",
	           tracked);
}

static void
iface_look(struct doctor *doctor, const char *iface, bool xdp)
{
	char driver[64], path[PATH_MAX];

	snprintf(path, sizeof(path), NET, iface);
	if (iface[0] == '\0' || strchr(iface, '/') != NULL || folder_cnt(doctor, path, "") < 0) {
		DOCTOR_SAY(doctor, DOCTOR_BAD, "interface", "port: in the configuration, see ip link",
		           "there is no %s", iface);
		return;
	}
	driver_find(doctor, iface, driver, sizeof(driver));
	up_look(doctor, iface);
	mtu_look(doctor, iface, xdp);
	if (xdp) {
		driver_look(doctor, driver);
		queues_look(doctor, iface, driver);
		offloads_look(doctor, iface, driver);
	}
	numa_look(doctor, iface);
}

void
doctor_net(struct doctor *doctor)
{
	char kind[32];
	const char *word = doctor_port(doctor, kind, sizeof(kind));
	bool xdp = strcmp(kind, "af_xdp") == 0;

	struct fail fail;

	if (preflight_port(doctor->options->port, &fail) != 0) {
		DOCTOR_SAY(doctor, DOCTOR_BAD, "port", "port: in the configuration, see spillwayd --help",
		           "%s", fail.text);
		return;
	}
	DOCTOR_SAY(doctor, DOCTOR_OK, "port", "", "%s", doctor->options->port);
	if (xdp || strcmp(kind, "af_packet") == 0)
		iface_look(doctor, word, xdp);
	if (strncmp(kind, "vhost", 5) == 0 && !doctor->options->huge)
		DOCTOR_SAY(doctor, DOCTOR_BAD, "memory", "huge: yes in the configuration",
		           "%s shares hugepages with the other end, and huge is no", kind);
	iommu_look(doctor);
	path_look(doctor, kind);
}
