/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* counters.h is the one list of what the dataplane counts, and of what it times. A line gives a
 * drop reason, its metric name and its text at once: count(ctr, CTR_tcp_bad_checksum) is
 * "tcp_bad_checksum" in `spillway stats` and in the counters memfd of abi.h.
 *
 * Threads. Each worker has its own struct counters; the worker publishes it in housekeeping.
 * Every dropped packet, request or byte bumps exactly one counter.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_COUNTERS_H
#define SPILLWAY_DATAPLANE_BASE_COUNTERS_H

#include "dataplane/base/histogram.h"

#include <stdint.h>

/* X(name, kind, text); kind is COUNTER, GAUGE, or COMMON to all workers (enum abi_counter_kind) */
#define COUNTERS_LIST(X)                                                                           \
	X(turns, COUNTER, "turns of the worker")                                                   \
	X(turns_idle, COUNTER, "turns that found nothing to do")                                   \
	X(sleeps, COUNTER, "times the idle worker slept")                                          \
	/* port */                                                                                 \
	X(rx_packets, COUNTER, "packets received")                                                 \
	X(rx_bytes, COUNTER, "bytes received, with Ethernet headers")                              \
	X(tx_packets, COUNTER, "packets sent")                                                     \
	X(tx_bytes, COUNTER, "bytes sent, with Ethernet headers")                                  \
	X(rx_multi_seg, COUNTER, "packets dropped: more than one buffer long")                     \
	X(tx_no_mbuf, COUNTER, "sends put off: no packet buffer free")                             \
	X(tx_dropped, COUNTER, "packets dropped: no buffers for one of many segments")             \
	X(tx_ring_full, COUNTER, "sends put off: the device took no more")                         \
	X(tx_reply_dropped, COUNTER, "ARP and echo replies dropped: too much waits to be sent")     \
	/* ip */                                                                                   \
	X(eth_short, COUNTER, "frames dropped: shorter than their header")                         \
	X(eth_not_ours, COUNTER, "frames dropped: another station's address")                      \
	X(eth_type, COUNTER, "frames dropped: neither IPv4 nor ARP")                               \
	X(arp_bad, COUNTER, "ARP packets dropped: malformed or not for us")                        \
	X(arp_replies, COUNTER, "ARP requests answered")                                           \
	X(arp_requests, COUNTER, "ARP requests sent")                                              \
	X(arp_learnt, COUNTER, "ARP answers taken: we had asked")                                  \
	X(arp_unanswered, COUNTER, "next hops not found: no ARP answer")                           \
	X(arp_full, COUNTER, "next hops not asked for: too many questions open")                   \
	X(ip_bad_header, COUNTER, "packets dropped: IPv4 header malformed")                        \
	X(ip_bad_checksum, COUNTER, "packets dropped: IPv4 header checksum")                       \
	X(ip_fragment, COUNTER, "packets dropped: fragments")                                      \
	X(ip_not_ours, COUNTER, "packets dropped: another host's address")                         \
	X(ip_bad_source, COUNTER, "packets dropped: source address is no host")                    \
	X(ip_protocol, COUNTER, "packets dropped: neither TCP nor ICMP")                           \
	X(icmp_replies, COUNTER, "echo requests answered")                                         \
	X(icmp_ignored, COUNTER, "ICMP packets ignored")                                           \
	X(icmp_errors, COUNTER, "ICMP errors received about TCP segments from our address")        \
	X(icmp_bad_quote, COUNTER, "ICMP errors dropped: about nothing that we can have sent")     \
	/* tcp */                                                                                  \
	X(tcp_segments_in, COUNTER, "TCP segments received")                                       \
	X(tcp_acks_merged, COUNTER, "acknowledgements that a later one of the same burst spoke for") \
	X(tcp_segments_out, COUNTER, "TCP segments sent")                                          \
	X(tcp_payload_in, COUNTER, "TCP payload bytes received in order")                          \
	X(tcp_payload_out, COUNTER, "TCP payload bytes sent, with retransmissions")                \
	X(tcp_payload_acked, COUNTER, "TCP payload bytes acknowledged by peers")                   \
	X(tcp_retransmits, COUNTER, "TCP segments sent again")                                     \
	X(tcp_retransmit_bytes, COUNTER, "TCP payload bytes sent again")                           \
	X(tcp_fast_recoveries, COUNTER, "losses repaired by fast retransmit")                      \
	X(tcp_ecn_marks, COUNTER, "segments received with a congestion mark")                      \
	X(tcp_ecn_reductions, COUNTER, "windows reduced for congestion marks that peers echoed")   \
	X(tcp_rtos, COUNTER, "retransmission timeouts")                                            \
	X(tcp_rack_lost, COUNTER, "bytes found lost by time (RACK)")                               \
	X(tcp_reorderings, COUNTER, "ACKs that told of reordering")                                \
	X(tcp_tlp_probes, COUNTER, "tail loss probes sent")                                        \
	X(tcp_tlp_again, COUNTER, "probes of a silent recovery: its first segment again")          \
	X(tcp_tlp_repaired, COUNTER, "losses repaired by a tail loss probe")                       \
	X(tcp_dsacks, COUNTER, "segments that the peer got twice (D-SACK)")                        \
	X(tcp_dsacks_ignored, COUNTER, "D-SACKs ignored: of nothing sent again lately")            \
	X(tcp_undo_eifel, COUNTER, "recoveries undone: a timestamp showed the original")           \
	X(tcp_undo_dsack, COUNTER, "recoveries undone: all sent again arrived twice")              \
	X(tcp_undo_frto, COUNTER, "timeouts undone: what was not sent again arrived (F-RTO)")      \
	X(tcp_undo_unsent, COUNTER, "recoveries undone: all came before it was sent again")        \
	X(tcp_given_up, COUNTER, "references to sent content given up: memory was short")          \
	X(tcp_records_coarse, COUNTER, "flight records joined to save memory")                     \
	X(tcp_probes, COUNTER, "zero-window probes sent")                                          \
	X(tcp_connections, GAUGE, "TCP connections open")                                          \
	X(tcp_plain_memory, GAUGE, "pools and tables of TCP that are not on hugepages as wanted")  \
	X(tcp_half_open, GAUGE, "TCP connections in SYN-RECEIVED")                                 \
	X(tcp_time_wait, GAUGE, "TCP connections in TIME-WAIT")                                    \
	X(tcp_accepted, COUNTER, "TCP connections accepted")                                       \
	X(tcp_connected, COUNTER, "TCP connections opened by us")                                  \
	X(tcp_closed, COUNTER, "TCP connections ended by both sides")                              \
	X(tcp_resets_in, COUNTER, "TCP connections ended by the peer's reset")                     \
	X(tcp_resets_out, COUNTER, "TCP resets sent")                                              \
	X(tcp_timeouts, COUNTER, "TCP connections given up: no acknowledgement")                   \
	X(tcp_aborted, COUNTER, "TCP connections reset by us")                                     \
	X(tcp_bad_header, COUNTER, "segments dropped: header malformed")                           \
	X(tcp_bad_options, COUNTER, "segments dropped: options malformed")                         \
	X(tcp_bad_checksum, COUNTER, "segments dropped: checksum")                                 \
	X(tcp_not_listening, COUNTER, "segments dropped: no such port")                            \
	X(tcp_no_connection, COUNTER, "segments dropped: no such connection, reset sent")          \
	X(tcp_table_full, COUNTER, "SYN dropped or not sent: connections_max reached")             \
	X(tcp_no_port, COUNTER, "connections not opened: no local port free")                      \
	X(tcp_syn_data, COUNTER, "payload bytes dropped: beside a SYN")                            \
	X(tcp_cookies_sent, COUNTER, "SYN answered with a cookie: too many half open")             \
	X(tcp_cookies_accepted, COUNTER, "TCP connections accepted by their cookie")               \
	X(tcp_cookies_bad, COUNTER, "segments dropped: no cookie that we sent, reset sent")        \
	X(tcp_source_half_open, COUNTER, "SYN answered with a cookie: too many of its address")    \
	X(tcp_source_full, COUNTER, "SYN dropped: too many connections from its address")          \
	X(tcp_refused, COUNTER, "SYN dropped: from an address that is refused")                    \
	X(tcp_shut, COUNTER, "SYN answered with a reset: new connections are not taken")           \
	X(tcp_bad_flags, COUNTER, "segments dropped: flags make no sense in this state")           \
	X(tcp_out_of_window, COUNTER, "segments dropped: outside the window, acknowledged")        \
	X(tcp_paws, COUNTER, "segments dropped: old timestamp")                                    \
	X(tcp_no_timestamp, COUNTER, "segments dropped: negotiated timestamp missing")             \
	X(tcp_bad_ack, COUNTER, "segments dropped: acknowledges what was not sent or long past")   \
	X(tcp_bad_reset, COUNTER, "resets dropped: not at the expected sequence number")           \
	X(tcp_challenge_acks, COUNTER, "challenge ACKs sent")                                      \
	X(tcp_challenge_limited, COUNTER, "challenge ACKs not sent: rate limit")                   \
	X(tcp_old_data, COUNTER, "payload bytes dropped: received before")                         \
	X(tcp_ooo_segments, COUNTER, "segments held out of order")                                 \
	X(tcp_ooo_full, COUNTER, "payload bytes dropped: out-of-order buffers full")               \
	X(tcp_beyond_window, COUNTER, "payload bytes dropped: beyond the window")                  \
	X(tcp_after_close, COUNTER, "payload bytes dropped: the connection is closing")            \
	X(tcp_no_entry, COUNTER, "sends refused: no queue entry free")                             \
	X(tcp_control_full, COUNTER, "resets and ACKs not sent: queue full")                       \
	X(tcp_no_record, COUNTER, "sends put off: no flight record free")                          \
	X(tcp_no_trace, COUNTER, "events of connections not traced: too many have had any")        \
	X(tcp_time_wait_full, COUNTER, "TIME-WAIT entries ended early: too many")                  \
	X(tcp_in_time_wait, COUNTER, "segments dropped: the connection is in TIME-WAIT")           \
	/* tcp: ICMP and the path's MTU */                                                         \
	X(tcp_icmp_no_connection, COUNTER, "ICMP errors dropped: no such connection")              \
	X(tcp_icmp_out_of_window, COUNTER, "ICMP errors dropped: quote nothing that is in flight") \
	X(tcp_icmp_limited, COUNTER, "ICMP errors dropped: more than a connection may have")       \
	X(tcp_icmp_quench, COUNTER, "ICMP errors ignored: source quench")                          \
	X(tcp_icmp_soft, COUNTER, "ICMP errors outlived: the connection goes on")                  \
	X(tcp_icmp_refused, COUNTER, "TCP connections not opened: ICMP says unreachable")          \
	X(tcp_mtu_refused, COUNTER, "path MTU claims dropped: too small, or nothing that large")   \
	X(tcp_mtu_doubted, COUNTER, "path MTU claims put off: segments that large have arrived")   \
	X(tcp_mtu_lowered, COUNTER, "path MTUs lowered: ICMP said so")                             \
	X(tcp_mtu_raised, COUNTER, "path MTUs raised: a larger segment arrived")                   \
	X(tcp_mtu_probes, COUNTER, "segments sent larger than the path MTU to try it")             \
	X(tcp_mtu_probes_lost, COUNTER, "of them lost")                                            \
	X(tcp_black_holes, COUNTER, "path MTUs lowered: large segments vanish without a word")     \
	X(tcp_persist_expired, COUNTER, "TCP connections reset: the peer took nothing too long")   \
	/* wire */                                                                                 \
	X(peers, GAUGE, "peers connected")                                                         \
	X(peers_opened, COUNTER, "peers that connected")                                           \
	X(peers_handshaken, COUNTER, "peers that finished the handshake")                          \
	X(peers_full, COUNTER, "peers closed: connections_max reached")                            \
	X(wire_bad_handshake, COUNTER, "peers closed: not a BitTorrent handshake")                 \
	X(wire_unknown_info_hash, COUNTER, "peers closed: unknown info_hash")                      \
	X(wire_self, COUNTER, "peers closed: connected to ourselves")                              \
	X(wire_refused, COUNTER, "peers closed: the torrent's content cannot be had")              \
	X(wire_handshake_timeout, COUNTER, "peers closed: no handshake in time")                   \
	X(wire_activate_timeout, COUNTER, "peers closed: the torrent was not activated in time")   \
	X(wire_idle_timeout, COUNTER, "peers closed: silent too long")                             \
	X(wire_bad_length, COUNTER, "peers closed: message length out of bounds")                  \
	X(wire_bad_message, COUNTER, "peers closed: message of the wrong length or form")          \
	X(wire_unknown_message, COUNTER, "messages skipped: unknown type")                         \
	X(wire_bad_extended, COUNTER, "extended messages ignored: malformed or long")              \
	X(wire_bad_request, COUNTER, "peers closed: asked the impossible and knows no reject")     \
	X(wire_flood, COUNTER, "peers closed: asks faster than it takes the refusals")             \
	X(wire_torrent_gone, COUNTER, "peers closed: the torrent was removed")                     \
	X(wire_no_buffer, COUNTER, "peers closed: no message buffer free")                         \
	X(wire_torrent_full, COUNTER, "peers closed: as many as their torrent may have")            \
	X(wire_drained, COUNTER, "peers closed: they want nothing, and we are being drained")       \
	X(chokes, COUNTER, "peers choked")                                                         \
	X(slots_held, GAUGE, "peers that hold an upload slot, while there are any")                \
	X(slots_wanted, GAUGE, "peers interested that wait for an upload slot")                    \
	X(slots_slow, COUNTER, "upload slots taken back: the peer took too little")                \
	X(super_refused, COUNTER, "peers not super-seeded: too many pieces, or memory is short")    \
	X(wire_withdrawn, COUNTER, "peers closed: a piece they had been offered was withdrawn")    \
	X(requests, COUNTER, "blocks requested")                                                   \
	X(requests_served, COUNTER, "blocks sent")                                                 \
	X(requests_cancelled, COUNTER, "requests cancelled by the peer")                           \
	X(requests_abandoned, COUNTER, "requests dropped: the peer left")                          \
	X(requests_choked, COUNTER, "requests dropped or rejected: the peer is choked")            \
	X(requests_out_of_range, COUNTER, "requests refused: outside the torrent or piece")        \
	X(requests_oversized, COUNTER, "requests refused: longer than 128 KiB or empty")           \
	X(requests_not_had, COUNTER, "requests refused: a piece that we lack")                     \
	X(requests_over_queue, COUNTER, "requests refused: more than reqq waiting")                \
	X(requests_no_memory, COUNTER, "requests refused: request memory exhausted")               \
	X(requests_waiting, GAUGE, "requests waiting")                                             \
	X(rejects_sent, COUNTER, "reject messages sent (BEP 6)")                                   \
	X(payload_bytes, COUNTER, "piece bytes handed to TCP")                                     \
	X(rereads, COUNTER, "blocks read once more, to be sent again")                            \
	X(reread_bytes, COUNTER, "bytes of blocks read once more")                                 \
	X(rereads_gone, COUNTER, "connections reset: what had to be sent again was withdrawn")     \
	X(rereads_late, COUNTER, "connections reset: had to send again after their peer left")     \
	X(metadata_served, COUNTER, "metadata pieces sent (BEP 9)")                                \
	X(metadata_rejected, COUNTER, "metadata requests rejected (BEP 9)")                        \
	X(pex_sent, COUNTER, "peer exchange messages sent (BEP 11)")                               \
	X(pex_received, COUNTER, "peer exchange messages received; a seeder has no use for them")  \
	X(pex_flood, COUNTER, "peer exchange messages dropped: too often")                         \
	X(pex_full, COUNTER, "peers not told of others: too many are (BEP 11)")                    \
	X(dht_ports_sent, COUNTER, "messages of our DHT node's port sent (BEP 5)")                 \
	/* store */                                                                                \
	X(torrents, COMMON, "torrents known")                                                      \
	X(torrents_active, GAUGE, "torrents active, counted at each worker")                       \
	X(activations, COUNTER, "torrents activated")                                              \
	X(deactivations, COUNTER, "torrents deactivated")                                          \
	X(events_lost, COUNTER, "events for control dropped: queue full")                          \
	X(disk_reads, COUNTER, "reads submitted")                                                  \
	X(disk_bytes, COUNTER, "bytes read from files")                                            \
	X(disk_polled, COUNTER, "reads submitted that are polled for")                             \
	X(disk_poll_refused, COUNTER, "torrents whose files cannot be polled after all")           \
	X(disk_reading, GAUGE, "reads in flight")                                                  \
	X(disk_ring_full, COUNTER, "reads put off: ring full")                                     \
	X(disk_share_full, COUNTER, "reads put off: the torrent has its share in flight")          \
	X(cache_hits, COUNTER, "read units found in memory")                                       \
	X(cache_shared, COUNTER, "read units awaited together with another request")               \
	X(cache_misses, COUNTER, "read units read")                                                \
	X(cache_evictions, COUNTER, "read units dropped from memory")                              \
	X(cache_ghosts, COUNTER, "read units read once more: they had been dropped lately")         \
	X(arena_buffers, GAUGE, "block buffers")                                                   \
	X(arena_free, GAUGE, "block buffers free or only cached")                                  \
	X(arena_empty, COUNTER, "reads put off: no block buffer free")                             \
	X(integrity_checked, COUNTER, "read units whose fingerprint was checked")                  \
	X(integrity_unchecked, COUNTER, "read units taken unchecked: integrity is sampled or off") \
	X(integrity_changed, COUNTER, "read units withdrawn: bytes differ from those verified")    \
	X(disk_short, COUNTER, "read units withdrawn: file ends early")                            \
	X(disk_errors, COUNTER, "read units withdrawn: the device failed")                         \
	X(pieces_withdrawn, COUNTER, "pieces withdrawn")                                           \
	/* worker */                                                                               \
	X(policies, COUNTER, "policies of limits taken from control")                              \
	X(policy_refused, COUNTER, "policies refused: not sealed, unsorted or out of bounds")       \
	X(blocked_ranges, COMMON, "ranges of addresses that are refused")                          \
	X(draining, COMMON, "1 while new connections are not taken")                               \
	X(class_full, COUNTER, "peers closed: as many as their class may have")                    \
	X(peers_blocked, COUNTER, "peers closed: their address is refused by now")                 \
	X(stalled_reclaimed, COUNTER, "connections reset: stalled while memory was short")         \
	X(control_messages, COUNTER, "messages from control")                                      \
	X(control_refused, COUNTER, "messages from control refused")

enum counter {
#define X(name, kind, text) CTR_##name,
	COUNTERS_LIST(X)
#undef X
	CTR_CNT
};

/* X(name, unit, text): the times that are kept as histograms */
#define HISTOGRAMS_LIST(X)                                                                         \
	X(service, "us", "from a request's arrival until its block was handed to TCP; to 4 us")    \
	X(disk_read, "us", "from a read's start until it had ended well; one unit each")           \
	X(first_piece, "us", "from a peer's handshake until its first block was handed to TCP")

enum histogram_id {
#define X(name, unit, text) HIST_##name,
	HISTOGRAMS_LIST(X)
#undef X
	HIST_CNT
};

struct counters {
	uint64_t value[CTR_CNT];
	struct histogram histogram[HIST_CNT];
};

/* count adds one to a counter. */
static inline void
count(struct counters *ctr, enum counter which)
{
	ctr->value[which]++;
}

/* count_add adds n to a counter. */
static inline void
count_add(struct counters *ctr, enum counter which, uint64_t n)
{
	ctr->value[which] += n;
}

/* gauge_set sets a gauge. */
static inline void
gauge_set(struct counters *ctr, enum counter which, uint64_t value)
{
	ctr->value[which] = value;
}

#endif
