/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* limits.h is the one page of bounds of the dataplane: what a peer, a torrent or an operator can
 * make it hold, and for how long. Bounds that control also has to know are in abi.h. */
#ifndef SPILLWAY_DATAPLANE_BASE_LIMITS_H
#define SPILLWAY_DATAPLANE_BASE_LIMITS_H

#include <assert.h>

/* ---- the turn */
enum {
	BURST_MAX = 64,              /* packets in one rx or tx burst */
	NOTES_MAX = 64,              /* connections or peers that one call reports */
	SUBMIT_TURNS = 8,            /* turns with other work that reads may wait to be started */
	HOUSEKEEPING_TURNS = 256,
	HOUSEKEEPING_US = 10 * 1000, /* whichever comes first */
	PORT_LOOK_US = 1000 * 1000, /* how often a port's other end is looked for */
};

/* ---- packets */
enum {
	PKT_HDR_MAX = 128,           /* Ethernet 14 + IPv4 20 or IPv6 40 + TCP 60 */
	PKT_SPANS_MAX = 12,          /* pieces of payload gathered into one packet */
	MTU_MIN = 576,
	MTU_MAX = 9000,
	PORT_QUEUES_MAX = 16,        /* queue pairs of a device, and workers */
	PORT_MBUFS = 8192,           /* per queue: rx ring, tx ring, bursts in flight */
	PORT_RING_LEN = 1024,        /* descriptors of each rx and tx queue */
};
static_assert(PKT_HDR_MAX >= 14 + 40 + 60, "the largest header fits");

/* ---- next hops that we ask for (ARP) */
enum {
	NEIGHBOURS_MAX = 16,
	NEIGHBOUR_TRIES = 3,         /* requests without an answer */
	NEIGHBOUR_RETRY_US = 1000 * 1000,
	NEIGHBOUR_VALID_US = 60 * 1000 * 1000,
};

/* ---- TCP */
enum {
	TCP_LISTEN_PORTS_MAX = 8,    /* compared one by one */
	TCP_EPHEMERAL_FIRST = 32768, /* local ports of connections that we open: from here on ... */
	TCP_EPHEMERAL_CNT = 32768,   /* ... so many, a power of two (RFC 6056 3.2) */
	TCP_HALF_OPEN_MAX = 1024,    /* connections in SYN-RECEIVED; from then on SYN cookies */
	TCP_SOURCE_HALF_OPEN_MAX = 256, /* of one address; from then on SYN cookies for it */
	TCP_ISN_STEP = 1 << 24,      /* numbers, at most, that a reused flow begins above its last */
	TCP_TIME_WAIT_MAX = 16384,
	TCP_OOO_SEGS_MAX = 16,       /* buffers of out-of-order bytes per connection: 32 KiB */
	TCP_OOO_BUF_LEN = 2048,      /* bytes */
	TCP_OOO_BUFS = 4096,         /* all connections: 8 MiB */
	TCP_OOO_SHARE_SHIFT = 4,     /* a connection holds at most 1/16 of those that are free */
	TCP_RCV_WND = 256 * 1024,    /* receive window offered, bytes, unless configured ... */
	TCP_RCV_WND_MIN = 64 * 1024,
	TCP_RCV_WND_UNSCALED = 65535, /* to a peer that scales no windows */
	TCP_RCV_WND_MAX = 256 << 20, /* ... up to this: a quarter of what RFC 7323 2.2 allows */
	TCP_SND_QUEUE_MAX = 16 << 20,/* bytes queued and unacknowledged per connection */
	TCP_AHEAD_MIN = 64 * 1024,   /* bytes worth queueing beyond the window, at least ... */
	TCP_AHEAD_MAX = 256 * 1024,  /* ... and with a large window: the rate times a read's time */
	TCP_RETRIES_MAX = 12,        /* RTO back-offs before the connection is given up (RFC 1122 R2) */
	TCP_SYN_RETRIES_MAX = 5,
	TCP_RTO_MIN_US = 200 * 1000,
	TCP_RTO_MAX_US = 60 * 1000 * 1000,
	TCP_RTO_INITIAL_US = 1000 * 1000,
	TCP_PTO_MIN_US = 5 * 1000,   /* before a tail loss probe: a short RTT varies more */
	TCP_PTO_DELACK_US = 100 * 1000, /* more with one segment out: its ACK may be delayed */
	TCP_REO_MIN_US = 1000,       /* before the reordering timer: a turn may be as long */
	TCP_MIN_RTT_US = 60 * 1000 * 1000, /* the minimum is of so long, at least */
	TCP_DUP_THRESH = 3,          /* duplicate ACKs that tell of a loss (RFC 5681 3.2) */
	TCP_TIME_WAIT_US = 30 * 1000 * 1000,
	TCP_CLOSING_US = 60 * 1000 * 1000,    /* to send what is queued when we close, and our FIN */
	TCP_FIN_WAIT_2_US = 60 * 1000 * 1000, /* for the peer's FIN, after ours was acknowledged */
	TCP_DELACK_US = 40 * 1000,
	TCP_DELACK_SEGMENTS = 8,     /* that are not full and share one ACK */
	TCP_KEEPALIVE_IDLE_US = 120 * 1000 * 1000,
	TCP_KEEPALIVE_US = 60 * 1000 * 1000, /* between probes */
	TCP_KEEPALIVE_MAX = 3,       /* probes without an answer */
	TCP_OOW_ACK_US = 500 * 1000, /* between ACKs to unacceptable empty segments, a connection */
	TCP_NVP_US = 300 * 1000 * 1000, /* a window half unused for so long is halved (RFC 7661) */
	TCP_MSS_MIN = 88,            /* bytes; a peer that offers less is taken to offer this */
	TCP_MSS_DEFAULT = 536,       /* RFC 9293 3.7.1 */
	TCP_QUANTUM = 16 * 1024,     /* bytes a connection sends before the next has its turn */
	TCP_TSO_MAX = 65535 - 20 - 60, /* payload bytes of a packet for the device to cut */
	TCP_SEND_ENTRIES_MAX = 4096, /* fragments queued per connection */
	TCP_SEND_ENTRIES = 1 << 18,  /* all connections */
	TCP_SEND_FRAGS_MAX = 64,     /* fragments in one tcp_send */
	TCP_HOLDINGS = 1 << 14,      /* connections with something queued that can give references up */
	TCP_GIVE_STEPS = 256,        /* entries looked at in one tcp_give_up */
	TCP_SENT_RECORDS_MAX = 8192, /* runs in flight of a connection; none is split beyond */
	TCP_SENT_RECORDS_COARSE = 4096, /* from here on runs of different times are joined, ... */
	TCP_SENT_RECORDS_LOW = 64,   /* ... or from here when the pool runs low */
	TCP_SENT_RECORDS = 1 << 17,  /* all connections */
	TCP_TRACES = 1 << 14,        /* connections whose events are traced */
	TCP_SACK_SPLITS_MAX = 4096,  /* runs that SACK blocks have cut in two, per connection, ... */
	TCP_SACK_SPLITS_MIN = 256,   /* ... this many and one for each KiB in flight, at most */
	TCP_SACK_STEPS_MAX = 512,    /* runs looked at to find where one block begins */
	TCP_CHALLENGE_ACKS_OWN = 10, /* of one connection in 2^22 us (RFC 5961 7) */
	TCP_CHALLENGE_ACKS_PER_S = 1024, /* of all, about: drawn anew each second */
	TCP_ICMP_PER_S = 8,          /* ICMP errors that one connection acts on */
	TCP_PMTU_MIN = 552,          /* bytes of packet; no router is believed below (RFC 5927 7.2) */
	TCP_PMTU_RAISE_US = 600 * 1000 * 1000, /* until a larger one is tried (RFC 1191 6.3, 8899) */
	TCP_PMTU_PROBES_MAX = 3,     /* lost ones of a size until it is given up (RFC 8899 5.1.2) */
	TCP_BLACK_HOLE_RTOS = 2,     /* in a row, of a large segment, until a smaller is sent; ... */
	TCP_BLACK_HOLE_RTOS_PROVEN = 4, /* ... and where segments that large have arrived */
	TCP_PERSIST_MAX_US = 300 * 1000 * 1000, /* without TCP_PERSIST_BYTES taken: reset (RFC 6429) */
	TCP_PERSIST_BYTES = 16 * 1024,
	TCP_PERSIST_LOOK_US = 30 * 1000 * 1000, /* between looks */
	TCP_CONTROL_OUT_MAX = 256,   /* resets and challenge ACKs waiting to leave */
};

/* ---- peer wire */
enum {
	WIRE_HANDSHAKE_LEN = 68,
	WIRE_MESSAGE_MAX = 4096,        /* bytes of an incoming message that is kept (BEP 10) */
	WIRE_SKIP_MAX = 1 << 20,        /* bytes of an incoming message that is skipped */
	WIRE_REQQ = 2048,               /* requests one peer may have waiting, advertised */
	WIRE_REQQ_SLACK = 512,          /* beyond that before requests are rejected */
	WIRE_REQUESTS = 1 << 18,        /* requests waiting that peers share, ... */
	WIRE_REQUESTS_OWN = 64,         /* ... beside these, which each can always have */
	WIRE_REJECTS = 1 << 14,         /* refusals waiting to be told, all peers */
	WIRE_REQUEST_LEN_MAX = 128 * 1024,
	WIRE_READS_MAX = 128,           /* blocks of one peer being read, or read and not sent */
	WIRE_READS = 1 << 14,           /* the same of all peers */
	WIRE_READS_AGAIN = 64,          /* of which these are for content to be sent again only */
	WIRE_STARVED_READS = 4,         /* blocks one peer starts in its turn while others starve */
	WIRE_BENCODE_DEPTH_MAX = 8,     /* lists and dictionaries within each other */
	WIRE_MESSAGE_BUF_LEN = 4096,    /* buffers for bitfields, extended messages, metadata */
	WIRE_MESSAGE_BUFS = 4096,
	WIRE_METADATA_QUEUE_MAX = 64,   /* metadata pieces one peer may have waiting */
	WIRE_PEX_TOLD_MAX = 50,         /* contacts that a peer is told of and that are still here */
	WIRE_PEX_PEERS = 1 << 14,       /* peers that are told of others: 832 bytes each */
	WIRE_PEX_LOOK = 200,            /* members looked at for one message, the newest */
	WIRE_PEX_US = 62 * 1000 * 1000, /* between messages: BEP 11's minute, as it arrives too */
	WIRE_PEX_AGAIN_US = 10 * 1000 * 1000, /* there was nothing to tell, or no buffer */
	WIRE_PEX_IN_US = 30 * 1000 * 1000, /* between messages that are read: late ones bunch up */
	WIRE_HANDSHAKE_TIMEOUT_US = 20 * 1000 * 1000,
	WIRE_ACTIVATE_TIMEOUT_US = 30 * 1000 * 1000,
	WIRE_IDLE_TIMEOUT_US = 240 * 1000 * 1000,
	WIRE_KEEPALIVE_US = 100 * 1000 * 1000,
	WIRE_ROUND_US = 10 * 1000 * 1000, /* that a slot is held at least, and between rounds */
	WIRE_ROUND_SHARE = 4,           /* one in so many slots goes to who waits in a round, ... */
	WIRE_ROUND_MAX = 8,             /* ... and no more of them, when the fastest keep theirs */
	WIRE_SUPERS_MAX = 64,           /* torrents super-seeded at once (BEP 16) */
	WIRE_SUPER_PIECES_MAX = 31744,  /* of one; its peers' bitfields fit a message buffer each */
	WIRE_SUPER_WAIT_US = 30 * 1000 * 1000, /* for a piece to be spread, before the next is shown */
	WIRE_SUPER_SCAN = 4096,         /* pieces looked at to choose one, if one was found by then */
	WIRE_SUPER_LOOK = 256,          /* peers looked at for one piece that another has now */
	WIRE_DRAIN_IDLE_US = 15 * 1000 * 1000, /* without a request: closed while we are drained */
};

/* ---- store */
enum {
	STORE_SPANS_MAX = 4,            /* spans of one block; more are gathered into buffers */
	STORE_RING_ENTRIES = 1024,      /* io_uring submission entries: reads in flight */
	STORE_FILES_MAX = 1 << 18,      /* fixed files, all active torrents */
	STORE_EVENTS_MAX = 1024,        /* events waiting for control */
	STORE_ALIGN = 4096,             /* bytes; O_DIRECT offset, length and memory */
	STORE_BUFFERS_MIN = 8,          /* of the arena: one gathered block and its window of units */
	STORE_SAMPLE_SHIFT = 4,         /* integrity sampled: one read in 2^4 is checked */
	STORE_HOT_LEN = 8 << 20,        /* bytes that are cached however little use they are */
	STORE_AGAIN_SHIFT = 4,          /* 1/16 of it is for content to be sent again only */
	STORE_RETRIES_MAX = 8,          /* of one unit's read after EINTR, EAGAIN or ENOMEM */
	STORE_ASK_AGAIN_US = 30 * 1000 * 1000, /* control did not answer ACTIVATE: ask again */
	STORE_IDLE_US = 300 * 1000 * 1000, /* an active torrent without peers is let go after this */
	STORE_METADATA_MAX = 32 << 20,  /* bytes of an info dictionary */
};

/* ---- limited rates */
enum {
	BUCKET_BURST_US = 8 * 1000,     /* of a rate that is kept while nobody uses it, ... */
	BUCKET_BURST_MIN = 32 * 1024,   /* ... or so many bytes */
	BUCKET_LATE = 8,                /* bursts that are made up for when the worker was late */
	BUCKET_WAKE_US = 1000,          /* tokens of so long are worth waking up for */
	BUCKET_SPAN_US = 1 << 27,       /* no longer absence is made up for */
	SHAPER_GROUPS = 64,
	SHAPER_CLASSES = 32,
	SHAPER_WEIGHT_USUAL = 100,
	SHAPER_QUANTUM = 16 * 1024,     /* bytes of a round at the usual weight */
	SHAPER_OWED_ROUNDS = 8,         /* that who was alone has to let others go first */
	SHAPER_VISITS = 2048,           /* places looked at in one turn of the worker */
	SHAPER_GRANT_MAX = 1 << 20,     /* bytes of one turn of a leaf */
};

/* ---- worker */
enum {
	STALL_RELIEF_US = 1000 * 1000, /* without STALL_BYTES taken, memory short: gives content up */
	STALL_RECLAIM_US = 10 * 1000 * 1000, /* without STALL_BYTES taken, and it cannot: reset */
	STALL_BYTES = 64 * 1024,
	PEERS_LOOK_MAX = 4096,       /* sessions looked at for one ABI_PEERS */
	RATE_SPAN_US = 1000 * 1000,  /* a peer's rate is measured over this, or more with many peers */
};

#endif
