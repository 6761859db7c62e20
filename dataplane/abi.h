/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* abi.h is the boundary between control (spillwayd) and dataplane (spillway-dp): all that either
 * knows of the other.
 *
 *      spillwayd ── SOCK_SEQPACKET unix socket: struct abi_msg, SCM_RIGHTS ──► worker 0
 *      spillwayd ◄─ the same socket: replies and events ────────────────────── worker 0
 *      spillwayd ◄── one more socket for each further worker ────────────────► worker 1...
 *      spillwayd ◄─ counters memfd, only read ──────────────────────────────── all workers
 *
 * Workers. The dataplane is one process of worker_cnt workers that share nothing: each has its
 * part of the connections, its own blocks in memory and its own socket, and all that is said below
 * holds for each of them by itself. Every worker is told every torrent, for its peers may be at
 * any; one may be active at some workers and cold at others.
 * Start. Control starts the dataplane with inherited descriptors: ABI_FD_CONFIG, a sealed memfd
 * that holds one struct abi_config, and for each worker a listening SOCK_SEQPACKET socket,
 * abi_fd_listen(worker). A worker accepts one control at a time on its socket; the dataplane opens
 * no path itself. A worker that cannot start ends the process.
 * Hello. Control sends ABI_HELLO; the worker answers ABI_WELCOME with the counters memfd, which is
 * the same for all, or ABI_RESULT with ABI_ERR_VERSION and closes.
 * Life. Control's death leaves the dataplane serving. A new control says hello, asks ABI_LIST,
 * and sends only the difference. ABI_SHUTDOWN to any worker ends all.
 * Looking. ABI_PEERS asks for some of the connections, from a cursor on, and ABI_PEER says where to
 * go on: the worker keeps nothing between them. ABI_TRACE asks for the last events of one.
 * Torrents. ABI_ADD makes a cold entry. The first handshake for it raises ABI_ACTIVATE; control
 * answers ABI_LAYOUT (one layout memfd) and then ABI_FILES until every file has its descriptor,
 * or ABI_REFUSE. The torrent is active from the message that completes it. A worker that finds
 * pieces changed withdraws them and says ABI_WITHDRAWN; control tells the others ABI_WITHDRAW.
 * Policy. ABI_POLICY replaces all limits at once, but for those of single torrents, which are in
 * their entries: rates, weights, connections, slots, who is refused. It is checked whole before
 * anything is changed; nobody is dropped by it but those whose address it refuses. Without one
 * nothing is limited. A rate is the worker's own: control gives each its share of what is for all,
 * evenly at first, and moves the shares after the use (ABI_USE, ABI_RATES).
 * Requests are answered in order, each by one ABI_RESULT that repeats its cookie (ABI_HELLO by
 * ABI_WELCOME, ABI_LIST by ABI_HELD..., ABI_PEERS by ABI_PEER, ABI_TRACE by ABI_TRACED, ABI_USE by
 * ABI_USED). Events (ABI_ACTIVATE, ABI_DEACTIVATED, ABI_WITHDRAWN) come at any time, cookie 0.
 *
 * Structs have fixed sizes and no pointers, integers the machine's order. "w:": the only writer.
 */
#ifndef SPILLWAY_DATAPLANE_ABI_H
#define SPILLWAY_DATAPLANE_ABI_H

#include "dataplane/abi_counters.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ABI_MAGIC   0x53504c57u /* "SPLW" */
#define ABI_VERSION 4u

enum abi_limit {
	ABI_ENTRIES_MAX = 64, /* torrents in one ABI_ADD, ABI_REMOVE or ABI_HELD */
	ABI_FDS_MAX = 64,     /* descriptors in one ABI_FILES */
	ABI_PEERS_MAX = 32,   /* connections in one ABI_PEER */
	ABI_TRACE_MAX = 25,   /* events in one ABI_TRACED */
	ABI_RATES_MAX = 64,   /* rates in one ABI_RATES */
	ABI_GROUPS_MAX = 64,  /* labels with limits */
	ABI_CLASSES_MAX = 32, /* of peers, with limits */
	ABI_CLASS_RANGES_MAX = 65536,
	ABI_BLOCKS_MAX = 1 << 22, /* ranges of addresses that are refused */
	ABI_WEIGHT_MAX = 1000,
	ABI_WEIGHT_USUAL = 100,
	ABI_TEXT_MAX = 128,
	ABI_PORT_MAX = 64,
	ABI_PATH_MAX = 256,
	ABI_TRACE_NAME_MAX = 16,
	ABI_TRACE_TEXT_MAX = 80,
};

enum abi_fd {
	ABI_FD_LISTEN = 3,      /* of worker 0 */
	ABI_FD_CONFIG = 4,
	ABI_FD_LISTEN_MORE = 5, /* of worker 1, and so on */
	ABI_FD_END = ABI_FD_LISTEN_MORE + ABI_WORKERS_MAX - 1,
};

/* abi_fd_listen returns the descriptor of a worker's listening socket. */
static inline int
abi_fd_listen(uint32_t worker)
{
	return worker == 0 ? ABI_FD_LISTEN : ABI_FD_LISTEN_MORE + (int)worker - 1;
}

/* congestion control of a connection; the names are control's to give */
enum abi_congestion {
	ABI_CONGESTION_CUBIC = 0,
	ABI_CONGESTION_BBR = 1,
	ABI_CONGESTION_NEWRENO = 2,
	ABI_CONGESTION_CNT
};

/* what limits a connection */
enum abi_limited {
	ABI_LIMITED_REQUESTS = 0, /* the peer asks for nothing more */
	ABI_LIMITED_DISK = 1,     /* what it asked for is being read */
	ABI_LIMITED_WINDOW = 2,   /* its window */
	ABI_LIMITED_CONGESTION = 3, /* our congestion window */
	ABI_LIMITED_PACING = 4,   /* pacing or a rate limit */
	ABI_LIMITED_RECOVERY = 5, /* a loss is being repaired */
	ABI_LIMITED_SENDING = 6,  /* nothing: as fast as worker and port are */
	ABI_LIMITED_CNT
};

enum abi_config_flag {
	ABI_CONFIG_NO_HUGE = 1u << 0,   /* EAL --no-huge; the arena is ordinary memory */
	ABI_CONFIG_POLL_BUSY = 1u << 1, /* never sleep */
	ABI_CONFIG_ECN = 1u << 2,       /* agree to ECN with peers that offer it */
	ABI_CONFIG_HUGE_TABLES = 1u << 3, /* connections are taken from hugepages while there are */
	ABI_CONFIG_PEX = 1u << 4,       /* peers of a torrent are told of each other (BEP 11) */
	ABI_CONFIG_INTEGRITY_SAMPLED = 1u << 8, /* some reads' fingerprints are checked, not all */
	ABI_CONFIG_INTEGRITY_OFF = 1u << 9,     /* none; not with ABI_CONFIG_INTEGRITY_SAMPLED */
	ABI_CONFIG_SANDBOX_LOG = 1u << 11, /* what the sandbox refuses is logged and done */
	ABI_CONFIG_SANDBOX_OFF = 1u << 12, /* there is none */
	ABI_CONFIG_IOPOLL = 1u << 10,   /* poll for reads of ABI_FILES_POLLED, if the kernel can */
};

/* struct abi_config is what a dataplane is started with. w: control, before exec. */
struct abi_config {
	uint32_t magic;
	uint32_t version;
	char port[ABI_PORT_MAX];         /* "af_xdp:veth0", "tap:spw0", "memif:/run/m.sock", ... */
	char xdp_object[ABI_PATH_MAX];   /* the XDP program, read by the PMD at start; af_xdp only */
	char file_prefix[ABI_PORT_MAX];  /* EAL runtime name, so that several may run */
	uint32_t address_be;             /* IPv4 address served, network order */
	uint16_t listen_port;            /* TCP port, host order */
	uint16_t mtu;                    /* bytes of IP packet, [576, 9000] */
	uint32_t flags;                  /* enum abi_config_flag */
	uint32_t arena_mib;              /* block arenas of all workers, [16, 1048576] */
	uint32_t connections_max;        /* of all workers, [1, 1048576] */
	uint32_t torrents_max;           /* cold and active, [1, 4194304] */
	uint32_t active_max;             /* active at once at a worker, [1, 65536] */
	uint32_t congestion;             /* enum abi_congestion: until a peer names its torrent */
	uint32_t connections_per_source; /* from one address, of all workers, [1, 1048576] */
	uint32_t worker_cnt;             /* [1, ABI_WORKERS_MAX] */
	int32_t cpu[ABI_WORKERS_MAX];    /* each worker's, or -1 for the scheduler's choice */
	uint32_t buffer_len;             /* power of two, [ABI_BUFFER_MIN, ABI_UNIT_MAX] */
	uint16_t dht_port;               /* UDP port of control's DHT node at address_be; 0: none */
	uint16_t reserved_port;          /* 0 */
	uint32_t reserved[4];            /* 0 */
};
static_assert(sizeof(struct abi_config) == 488, "abi_config is part of the boundary");

enum abi_type {
	ABI_HELLO = 1,       /* c->d  no body */
	ABI_WELCOME = 2,     /* d->c  struct abi_welcome, 1 fd: the counters memfd */
	ABI_RESULT = 3,      /* d->c  struct abi_result */
	ABI_ADD = 4,         /* c->d  struct abi_entries */
	ABI_REMOVE = 5,      /* c->d  struct abi_entries; only id is read */
	ABI_LIST = 6,        /* c->d  no body */
	ABI_HELD = 7,        /* d->c  struct abi_entries, repeated until last is 1 */
	ABI_ACTIVATE = 8,    /* d->c  struct abi_torrent_ref: a peer asks for a cold torrent */
	ABI_LAYOUT = 9,      /* c->d  struct abi_torrent_ref, 1 fd: a sealed layout memfd */
	ABI_FILES = 10,      /* c->d  struct abi_files, file_cnt fds, read-only, O_DIRECT if it can */
	ABI_REFUSE = 11,     /* c->d  struct abi_torrent_ref: content cannot be had, close its peers */
	ABI_DEACTIVATED = 12,/* d->c  struct abi_deactivated */
	ABI_WITHDRAWN = 13,  /* d->c  struct abi_withdrawn */
	ABI_SHUTDOWN = 14,   /* c->d  no body: close every connection and end */
	ABI_PEERS = 15,      /* c->d  struct abi_peers_ask */
	ABI_PEER = 16,       /* d->c  struct abi_peers */
	ABI_TRACE = 17,      /* c->d  struct abi_trace_ask; ABI_ERR_UNKNOWN: no such connection */
	ABI_TRACED = 18,     /* d->c  struct abi_traced */
	ABI_WITHDRAW = 19,   /* c->d  struct abi_withdraw: pieces that another worker withdrew */
	ABI_POLICY = 20,     /* c->d  struct abi_policy, 1 fd: a sealed policy memfd */
	ABI_RATES = 21,      /* c->d  struct abi_rates */
	ABI_USE = 22,        /* c->d  no body */
	ABI_USED = 23,       /* d->c  struct abi_used */
	ABI_TYPE_CNT
};

enum abi_status {
	ABI_OK = 0,
	ABI_ERR_VERSION = 1,  /* magic or version is not ours */
	ABI_ERR_MESSAGE = 2,  /* unknown type, wrong length, wrong number of descriptors */
	ABI_ERR_UNKNOWN = 3,  /* no such torrent id */
	ABI_ERR_EXISTS = 4,   /* the id has another info_hash, or the info_hash another id */
	ABI_ERR_FULL = 5,     /* torrents_max, active_max or a descriptor table reached */
	ABI_ERR_LAYOUT = 6,   /* the layout memfd is not sealed, too short or inconsistent */
	ABI_ERR_STATE = 7,    /* ABI_FILES without ABI_LAYOUT, ABI_LAYOUT for an active torrent */
	ABI_ERR_SYSTEM = 8,   /* a system call failed; sys_errno says which way */
	ABI_ERR_POLICY = 9,   /* the policy memfd is not sealed, too short, unsorted or out of bounds */
	ABI_STATUS_CNT
};

struct abi_hdr {
	uint32_t magic;
	uint16_t version;
	uint16_t type;   /* enum abi_type */
	uint32_t cookie; /* chosen by the asker; 0 in events */
	uint32_t len;    /* bytes of body that follow */
};
static_assert(sizeof(struct abi_hdr) == 16, "abi_hdr is part of the boundary");

struct abi_result {
	uint32_t status;    /* enum abi_status */
	int32_t sys_errno;
	uint32_t done_cnt;  /* ABI_ADD, ABI_REMOVE: entries done before the one that failed */
	uint32_t slot;      /* of an activation that completes: index of its abi_torrent_stat */
	uint32_t active;    /* 1 when that torrent is active now */
	uint32_t reserved;
};
static_assert(sizeof(struct abi_result) == 24, "abi_result is part of the boundary");

struct abi_welcome {
	uint64_t boot_id;      /* random, of the process; a new one: a dataplane that holds nothing */
	uint32_t worker_cnt;
	uint32_t worker;       /* who answers, [0, worker_cnt) */
	uint32_t pid;
	uint32_t torrent_cnt;
	uint32_t counters_len; /* bytes to map of the counters memfd */
	uint32_t reserved;
	char port_text[ABI_TEXT_MAX]; /* what the port is and offers, for people */
};
static_assert(sizeof(struct abi_welcome) == 160, "abi_welcome is part of the boundary");

enum abi_entry_flag {
	ABI_ENTRY_SUPER_SEED = 1u << 0, /* BEP 16: pieces are shown one by one */
	ABI_ENTRY_FLAGS = ABI_ENTRY_SUPER_SEED,
};

/* struct abi_entry is a torrent. An ABI_ADD of one that is held changes what follows active. */
struct abi_entry {
	uint8_t info_hash[20];
	uint32_t id;     /* control's own, never 0, stable over restarts */
	uint32_t active; /* ABI_HELD only */
	uint32_t congestion; /* enum abi_congestion, of connections that name it from now on */
	uint32_t flags;  /* enum abi_entry_flag, of connections that name it from now on */
	uint32_t group;  /* id of an abi_group; 0, or one that there is not: none */
	uint64_t rate_bytes_per_s; /* 0: not limited */
	uint32_t connections_max;  /* 0: not limited; those that are open stay */
	uint16_t weight; /* [1, ABI_WEIGHT_MAX] */
	uint16_t reserved;
	uint32_t reserved_more[2];
};
static_assert(sizeof(struct abi_entry) == 64, "abi_entry is part of the boundary");

struct abi_entries {
	uint32_t cnt;  /* [0, ABI_ENTRIES_MAX]; 0 only in ABI_HELD */
	uint32_t last; /* ABI_HELD: 1 when no more follow */
	struct abi_entry entry[ABI_ENTRIES_MAX];
};
static_assert(sizeof(struct abi_entries) == 8 + 64 * ABI_ENTRIES_MAX, "part of the boundary");

struct abi_torrent_ref {
	uint32_t id;
	uint32_t reserved;
};
static_assert(sizeof(struct abi_torrent_ref) == 8, "abi_torrent_ref is part of the boundary");

enum abi_files_flag {
	ABI_FILES_POLLED = 1u << 0, /* their devices have poll queues */
};

struct abi_files {
	uint32_t id;
	uint32_t file_first; /* file index of the first descriptor; batches come in order */
	uint32_t file_cnt;   /* [1, ABI_FDS_MAX] */
	uint32_t flags;      /* enum abi_files_flag */
};
static_assert(sizeof(struct abi_files) == 16, "abi_files is part of the boundary");

struct abi_deactivated {
	uint32_t id;
	uint32_t slot;
	uint64_t uploaded_bytes; /* piece payload handed to peers since it became active */
	uint64_t request_cnt;
};
static_assert(sizeof(struct abi_deactivated) == 24, "abi_deactivated is part of the boundary");

enum abi_reason {
	ABI_REASON_CHANGED = 1, /* bytes differ from those verified */
	ABI_REASON_SHORT = 2,   /* the file ends early */
	ABI_REASON_IO = 3,      /* the device failed; sys_errno */
	ABI_REASON_CNT
};

struct abi_withdrawn {
	uint32_t id;
	uint32_t file;        /* file index */
	uint32_t piece_first;
	uint32_t piece_cnt;
	uint64_t file_off;    /* of the read unit, bytes */
	uint32_t reason;      /* enum abi_reason */
	int32_t sys_errno;
};
static_assert(sizeof(struct abi_withdrawn) == 32, "abi_withdrawn is part of the boundary");

/* struct abi_withdraw. A torrent that is not active has nothing to be withdrawn: ABI_OK. Pieces
 * that it does not have are ABI_ERR_MESSAGE, and none is withdrawn. Raises no ABI_WITHDRAWN. */
struct abi_withdraw {
	uint32_t id;
	uint32_t piece_first;
	uint32_t piece_cnt;
	uint32_t reserved;
};
static_assert(sizeof(struct abi_withdraw) == 16, "abi_withdraw is part of the boundary");

struct abi_peers_ask {
	uint32_t cursor;     /* 0 first, then as the last ABI_PEER said */
	uint32_t torrent_id; /* only its peers; 0: all */
};
static_assert(sizeof(struct abi_peers_ask) == 8, "abi_peers_ask is part of the boundary");

enum abi_peer_flag {
	ABI_PEER_ECN = 1u << 0, /* ECN is agreed on */
	ABI_PEER_INTERESTED = 1u << 1,
	ABI_PEER_UNCHOKED = 1u << 2,
};

/* struct abi_peer is one connection. Times are in us. */
struct abi_peer {
	uint64_t connected_us;         /* since the handshake of TCP */
	uint64_t acked_bytes;
	uint64_t retransmit_bytes;
	uint64_t rate_bytes_per_s;     /* acknowledged, over the last second or so */
	uint64_t pacing_bytes_per_s;   /* 0: not paced */
	uint64_t delivery_bytes_per_s; /* as congestion control measures it; 0: it does not */
	uint64_t limit_us[ABI_LIMITED_CNT]; /* for how long each limit held; sum: connected_us */
	uint32_t limit;                /* enum abi_limited: now */
	uint32_t torrent_id;           /* 0: it has not named one */
	uint32_t address_be;
	uint16_t port;                 /* host order */
	uint16_t mss;
	uint32_t congestion;           /* enum abi_congestion */
	uint32_t flags;                /* enum abi_peer_flag */
	uint32_t rtt_us;               /* smoothed; 0: not known */
	uint32_t rtt_min_us;           /* 0: not known */
	uint32_t rto_us;
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;
	uint32_t window_bytes;         /* the peer's */
	uint32_t flight_bytes;
	uint32_t queued_bytes;         /* not sent or not acknowledged */
	uint32_t request_cnt;          /* blocks asked for and not sent */
	uint8_t peer_id[20];           /* BEP 20; zeros: not told yet */
};
static_assert(sizeof(struct abi_peer) == 184, "abi_peer is part of the boundary");

struct abi_peers {
	uint32_t cnt;    /* [0, ABI_PEERS_MAX] */
	uint32_t last;   /* 1 when no more follow */
	uint32_t cursor; /* of the next ask, above the last one's */
	uint32_t reserved;
	struct abi_peer peer[ABI_PEERS_MAX];
};
static_assert(sizeof(struct abi_peers) == 16 + 184 * ABI_PEERS_MAX, "part of the boundary");

struct abi_trace_ask {
	uint32_t address_be;
	uint16_t port;      /* host order */
	uint16_t reserved;
};
static_assert(sizeof(struct abi_trace_ask) == 8, "abi_trace_ask is part of the boundary");

/* struct abi_trace_event is what happened once, or some times in a run. Texts end with NUL. */
struct abi_trace_event {
	uint64_t ago_us;
	uint64_t value[2];
	char name[ABI_TRACE_NAME_MAX];          /* snake_case, as in JSON */
	char value_name[2][ABI_TRACE_NAME_MAX];
	char text[ABI_TRACE_TEXT_MAX];          /* name and values, for people */
};
static_assert(sizeof(struct abi_trace_event) == 152, "abi_trace_event is part of the boundary");

struct abi_traced {
	uint32_t cnt; /* [0, ABI_TRACE_MAX], the oldest first */
	uint32_t reserved;
	struct abi_trace_event event[ABI_TRACE_MAX];
};
static_assert(sizeof(struct abi_traced) == 8 + 152 * ABI_TRACE_MAX, "part of the boundary");

enum abi_choke {
	ABI_CHOKE_ROUND_ROBIN = 0, /* slots go round among those interested */
	ABI_CHOKE_FASTEST = 1,     /* those that take most keep theirs; the others take turns */
	ABI_CHOKE_CNT
};

enum abi_policy_flag {
	ABI_POLICY_DRAIN = 1u << 0, /* no new connections; those that want nothing are closed */
	ABI_POLICY_FLAGS = ABI_POLICY_DRAIN,
};

/* struct abi_policy is what is the same for all connections; the memfd beside it has the rest. */
struct abi_policy {
	uint64_t rate_bytes_per_s;  /* 0: not limited */
	uint32_t flags;             /* enum abi_policy_flag */
	uint32_t connections_max;   /* 0: those of abi_config; no more than those in any case */
	uint32_t upload_slots;      /* peers unchoked at a time; 0: all, and for good */
	uint32_t choke;             /* enum abi_choke */
	uint32_t slow_bytes_per_s;  /* who takes less for slow_s, while others wait, yields its slot */
	uint32_t slow_s;            /* [1, 3600], or 0 with slow_bytes_per_s 0 */
	uint32_t reserved[8];
};
static_assert(sizeof(struct abi_policy) == 64, "abi_policy is part of the boundary");

enum abi_rate_of {
	ABI_RATE_ALL = 0,     /* id 0 */
	ABI_RATE_GROUP = 1,   /* id of the group */
	ABI_RATE_CLASS = 2,   /* index of the class */
	ABI_RATE_TORRENT = 3, /* id of the torrent */
	ABI_RATE_CNT
};

struct abi_rate {
	uint32_t of;          /* enum abi_rate_of */
	uint32_t id;          /* one that there is not: nothing is changed */
	uint64_t bytes_per_s; /* > 0; of what has no rate: nothing is changed */
};
static_assert(sizeof(struct abi_rate) == 16, "abi_rate is part of the boundary");

/* struct abi_rates changes rates that there are. */
struct abi_rates {
	uint32_t cnt; /* [0, ABI_RATES_MAX] */
	uint32_t reserved;
	struct abi_rate rate[ABI_RATES_MAX];
};
static_assert(sizeof(struct abi_rates) == 8 + 16 * ABI_RATES_MAX, "part of the boundary");

/* struct abi_used is what has gone through the limits of the last ABI_POLICY, in its order. Only
 * what has a rate is counted. That of torrents is in their abi_torrent_stat. */
struct abi_used {
	uint64_t bytes;
	uint64_t group_bytes[ABI_GROUPS_MAX];
	uint64_t class_bytes[ABI_CLASSES_MAX];
	uint64_t reserved[8];
};
static_assert(sizeof(struct abi_used) == 840, "abi_used is part of the boundary");

struct abi_msg {
	struct abi_hdr hdr;
	union {
		struct abi_result result;
		struct abi_welcome welcome;
		struct abi_entries entries;
		struct abi_torrent_ref ref;
		struct abi_files files;
		struct abi_deactivated deactivated;
		struct abi_withdrawn withdrawn;
		struct abi_withdraw withdraw;
		struct abi_peers_ask peers_ask;
		struct abi_peers peers;
		struct abi_trace_ask trace_ask;
		struct abi_traced traced;
		struct abi_policy policy;
		struct abi_rates rates;
		struct abi_used used;
	} u;
};

/* ---- The layout memfd: what is in a torrent. Sealed against write, shrink and grow. w: control.
 *
 *   struct abi_layout | extents | fingerprints | have | metadata     (each at its _off, 8-aligned)
 *
 * A torrent is the concatenation of its extents. An extent is a whole file from offset 0, or pad
 * bytes (BEP 47) that are zeros and have no file. Files of length 0 have no extent and no
 * descriptor. A read unit is unit_len bytes of one file at a multiple of unit_len; the last unit
 * of a file may be short. Each unit has one fingerprint: XXH3-64 (seed 0) of its bytes as they
 * were when the pieces were verified.
 */
#define ABI_FILE_PAD UINT32_MAX

enum abi_unit {
	ABI_UNIT_MIN = 16384,
	ABI_UNIT_MAX = 262144,
	ABI_BUFFER_MIN = 65536, /* of the arena; the largest is ABI_UNIT_MAX */
};

struct abi_layout {
	uint32_t magic;
	uint32_t version;
	uint64_t total_len;     /* bytes, > 0 */
	uint32_t piece_len;     /* bytes, [1024, 2^30]; not always a power of two (BEP 3) */
	uint32_t piece_cnt;     /* ceil(total_len / piece_len) */
	uint32_t unit_len;      /* power of two, [ABI_UNIT_MIN, abi_config.buffer_len] */
	uint32_t file_cnt;      /* descriptors to come: extents that are not pad */
	uint32_t extent_cnt;
	uint32_t unit_cnt;
	uint32_t metadata_len;  /* bytes of the bencoded info dictionary */
	uint32_t private_flag;  /* BEP 27 */
	uint64_t extent_off;
	uint64_t fingerprint_off;
	uint64_t have_off;      /* (piece_cnt + 7) / 8 bytes, BEP 3 bitfield order, spare bits 0 */
	uint64_t metadata_off;
	uint8_t info_hash[20];
	uint32_t reserved;
};
static_assert(sizeof(struct abi_layout) == 104, "abi_layout is part of the boundary");

struct abi_extent {
	uint64_t torrent_off; /* ascending, contiguous from 0 */
	uint64_t len;         /* > 0 */
	uint32_t file;        /* descriptor index, ascending from 0, or ABI_FILE_PAD */
	uint32_t unit_first;  /* fingerprint index of the file's unit 0; 0 for pad */
};
static_assert(sizeof(struct abi_extent) == 24, "abi_extent is part of the boundary");

/* ---- The policy memfd: limits of groups of torrents and classes of peers, and who is refused.
 * Sealed as a layout. w: control. All workers may be given the same.
 *
 *   struct abi_policy_head | groups | classes | class ranges | blocks (at their _off, 8-aligned)
 *
 * A group is the torrents of a label. A class is the peers of some addresses. Ranges of addresses
 * are sorted, and none overlaps another of its table.
 */
struct abi_policy_head {
	uint32_t magic;
	uint32_t version;
	uint32_t group_cnt;       /* [0, ABI_GROUPS_MAX] */
	uint32_t class_cnt;       /* [0, ABI_CLASSES_MAX] */
	uint32_t class_range_cnt; /* [0, ABI_CLASS_RANGES_MAX] */
	uint32_t block_cnt;       /* [0, ABI_BLOCKS_MAX] */
	uint64_t group_off;
	uint64_t class_off;
	uint64_t class_range_off;
	uint64_t block_off;
	uint64_t reserved[9];     /* 0; IPv6 */
};
static_assert(sizeof(struct abi_policy_head) == 128, "abi_policy_head is part of the boundary");

struct abi_group {
	uint32_t id;               /* > 0, ascending */
	uint32_t weight;           /* [1, ABI_WEIGHT_MAX], beside the torrents without a group: 100 */
	uint64_t rate_bytes_per_s; /* 0: not limited */
};
static_assert(sizeof(struct abi_group) == 16, "abi_group is part of the boundary");

enum abi_class_flag {
	ABI_CLASS_FLAGS = 0, /* none yet */
};

struct abi_class {
	uint64_t rate_bytes_per_s; /* 0: not limited */
	uint32_t weight;           /* [1, ABI_WEIGHT_MAX], among the peers of a torrent; others: 100 */
	uint32_t connections_max;  /* 0: not limited; those that are open stay */
	uint32_t flags;            /* enum abi_class_flag */
	uint32_t reserved;
};
static_assert(sizeof(struct abi_class) == 24, "abi_class is part of the boundary");

/* struct abi_range is IPv4 addresses, as numbers in the machine's own order. */
struct abi_range {
	uint32_t first;
	uint32_t last; /* >= first */
};
static_assert(sizeof(struct abi_range) == 8, "abi_range is part of the boundary");

struct abi_class_range {
	struct abi_range range;
	uint32_t class_index;
	uint32_t reserved;
};
static_assert(sizeof(struct abi_class_range) == 16, "abi_class_range is part of the boundary");

#endif
