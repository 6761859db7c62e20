/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Leechers that never stop asking. */
#include "perf/micro/workers_client.h"

#include "dataplane/ip/ip.h"

#include <string.h>

enum {
	HANDSHAKE_LEN = 68,
	UNCHOKE = 1,
	INTERESTED = 2,
	REQUEST = 6,
	PIECE = 7,
	PIECE_HEAD = 8,
	NOTES_AT_ONCE = 16,
	WINDOW = 1 << 20,
};

static void
put_be32(uint8_t *to, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(to, &value, sizeof(value));
}

static void
send_bytes(struct client_conn *conn, const uint8_t *data, uint8_t len)
{
	struct frag frag = {.inline_len = len};
	int err;

	memcpy(frag.bytes, data, len);
	err = tcp_send(conn->client->tcp, conn->tcb, &frag, 1);
	dp_assert(err == 0);
}

static void
ask(struct client_conn *conn)
{
	const struct client *client = conn->client;
	uint64_t at = conn->next * CLIENT_BLOCK;
	uint8_t message[17] = {0, 0, 0, 13, REQUEST};

	if (++conn->next == client->block_cnt)
		conn->next = 0;
	put_be32(message + 5, (uint32_t)(at / client->piece_len));
	put_be32(message + 9, (uint32_t)(at % client->piece_len));
	put_be32(message + 13, CLIENT_BLOCK);
	send_bytes(conn, message, sizeof(message));
}

static void
greet(struct client_conn *conn)
{
	static const uint8_t protocol[20] = "\x13" "BitTorrent protocol";
	static const uint8_t peer_id[20] = "-SWB000-benchmark...";
	static const uint8_t reserved[8];
	static const uint8_t interested[5] = {0, 0, 0, 1, INTERESTED};

	send_bytes(conn, protocol, sizeof(protocol));
	send_bytes(conn, reserved, sizeof(reserved));
	send_bytes(conn, conn->client->info_hash, 20);
	send_bytes(conn, peer_id, sizeof(peer_id));
	send_bytes(conn, interested, sizeof(interested));
	conn->skip = HANDSHAKE_LEN;
}

/* head_done acts on the first bytes of a message. */
static void
head_done(struct client_conn *conn, uint32_t len)
{
	conn->head_len = 0;
	conn->skip = len - 1;
	conn->piece = conn->head[4] == PIECE;
	for (int i = 0; conn->head[4] == UNCHOKE && i < CLIENT_OUTSTANDING; i++)
		ask(conn);
}

static void
head_byte(struct client_conn *conn, uint8_t byte)
{
	uint32_t len;

	conn->head[conn->head_len++] = byte;
	if (conn->head_len < 4)
		return;
	memcpy(&len, conn->head, sizeof(len));
	len = __builtin_bswap32(len);
	if (len == 0)
		conn->head_len = 0;
	else if (conn->head_len == 5)
		head_done(conn, len);
}

static void
skipped(struct client_conn *conn)
{
	if (!conn->piece)
		return;
	conn->piece = false;
	conn->client->had_bytes += CLIENT_BLOCK;
	ask(conn);
}

static void
take_bytes(struct client_conn *conn, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t cnt = MIN(conn->skip, len);

		if (cnt == 0) {
			head_byte(conn, *data++);
			len--;
			continue;
		}
		conn->skip -= cnt;
		data += cnt;
		len -= cnt;
		if (conn->skip == 0)
			skipped(conn);
	}
}

static void
take_events(struct client *client, struct tcb *tcb, uint32_t events)
{
	struct client_conn *conn = tcb != NULL ? tcp_user(tcb) : NULL;
	const uint8_t *data;
	uint32_t len;

	if (conn == NULL)
		return;
	if (events & TCP_EV_OPEN)
		greet(conn);
	while ((events & TCP_EV_READ) && (len = tcp_read(client->tcp, tcb, &data)) > 0)
		take_bytes(conn, data, len);
	if (events & TCP_EV_CLOSED) {
		client->closed_cnt++;
		tcp_set_user(tcb, NULL);
	}
}

static void
receive(struct client *client, uint64_t now_us)
{
	struct pkt_in pkts[BURST_MAX];
	struct ip_seg segs[BURST_MAX];
	uint16_t cnt = port_rx_burst(client->port, pkts, BURST_MAX);
	uint32_t seg_cnt = 0, reply_len, events;
	struct tcb *tcb;

	for (uint16_t i = 0; i < cnt; i++)
		seg_cnt += ip_input(&client->local, &client->ctr, &pkts[i], &segs[seg_cnt],
		                    &reply_len) == IP_TCP;
	if (seg_cnt > 0) {
		tcp_burst_begin(client->tcp, segs, seg_cnt, now_us);
		while ((tcb = tcp_burst_next(client->tcp, &events)) != NULL)
			take_events(client, tcb, events);
	}
	if (cnt > 0)
		port_rx_free(client->port, pkts, cnt);
}

static void
transmit(struct client *client, uint64_t now_us)
{
	struct pkt_out pkts[BURST_MAX];
	uint16_t room = port_tx_room(client->port);

	if (room > 0 && tcp_output_pending(client->tcp))
		port_tx_burst(client->port, pkts, tcp_output(client->tcp, pkts, room, now_us));
	else
		port_tx_flush(client->port);
}

bool
client_create(struct client *client, const struct tcp_remote *seeder, uint64_t now_us)
{
	struct tcp_config config = {
		.connections_max = CLIENT_CONNS,
		.rcv_wnd_bytes = WINDOW,
		.secret = {1, 2},
		.ctr = &client->ctr,
	};

	memcpy(client->local.mac, port_info(client->port)->mac, sizeof(client->local.mac));
	client->local.mtu = port_info(client->port)->mtu;
	config.local = client->local;
	client->tcp = tcp_create(&config, now_us);
	if (client->tcp == NULL)
		return false;
	for (uint32_t i = 0; i < CLIENT_CONNS; i++) {
		struct client_conn *conn = &client->conns[i];

		conn->client = client;
		conn->next = client->block_cnt * i / CLIENT_CONNS;
		conn->tcb = tcp_connect(client->tcp, seeder, now_us);
		dp_assert(conn->tcb != NULL);
		tcp_set_user(conn->tcb, conn);
	}
	return true;
}

void
client_turn(struct client *client, uint64_t now_us)
{
	struct tcp_note notes[NOTES_AT_ONCE];
	uint32_t cnt = tcp_timers(client->tcp, now_us, notes, NOTES_AT_ONCE);

	for (uint32_t i = 0; i < cnt; i++)
		take_events(client, notes[i].tcb, notes[i].events);
	receive(client, now_us);
	transmit(client, now_us);
}
