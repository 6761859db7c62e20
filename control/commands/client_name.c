/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Peer ids of BEP 20: Azureus style "-TR3000-", and Mainline style "M7-9-2--". */
#include "control/commands/client_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *code;
	const char *name;
} programs[] = {
	{"AG", "Ares"},         {"AZ", "Vuze"},          {"BC", "BitComet"},  {"BI", "BiglyBT"},
	{"BT", "BitTorrent"},   {"DE", "Deluge"},        {"FW", "FrostWire"}, {"KG", "KGet"},
	{"KT", "KTorrent"},     {"LT", "libtorrent"},    {"PI", "PicoTorrent"},
	{"SW", "Spillway"},     {"TR", "Transmission"},  {"TS", "TorrentStorm"}, {"TX", "Tixati"},
	{"UM", "uTorrent Mac"}, {"UT", "uTorrent"},      {"UW", "uTorrent Web"},
	{"WW", "WebTorrent"},   {"lt", "rTorrent"},      {"qB", "qBittorrent"},
};

/* digit returns the number that a version's character stands for, -1 for none. */
static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
}

/* version_write writes up to four numbers, without the zeros at the end beyond the second. */
static void
version_write(const uint8_t *version, char *out, size_t room)
{
	int cnt = 0, last = 2;

	while (cnt < 4 && digit(version[cnt]) >= 0)
		cnt++;
	for (int i = 2; i < cnt; i++)
		if (digit(version[i]) != 0)
			last = i + 1;
	for (int i = 0; i < cnt && i < last; i++)
		snprintf(out + strlen(out), room - strlen(out), "%c%d", i == 0 ? ' ' : '.',
		         digit(version[i]));
}

static bool
azureus(const uint8_t *id, char out[CLIENT_NAME_MAX])
{
	if (id[0] != '-' || id[7] != '-')
		return false;
	for (int i = 1; i < 7; i++)
		if (!isgraph(id[i]) || id[i] > 126)
			return false;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (memcmp(programs[i].code, id + 1, 2) != 0)
			continue;
		snprintf(out, CLIENT_NAME_MAX, "%s", programs[i].name);
		version_write(id + 3, out, CLIENT_NAME_MAX);
		return true;
	}
	snprintf(out, CLIENT_NAME_MAX, "%.8s", (const char *)id);
	return true;
}

/* dashed reads "A2-1-36-0-" of aria2 and "M7-9-2--" of Mainline: numbers with dashes after them. */
static bool
dashed(const uint8_t *id, const char *code, const char *name, char out[CLIENT_NAME_MAX])
{
	char text[13] = "";
	size_t code_len = strlen(code);
	int major, minor, patch;

	memcpy(text, id, sizeof(text) - 1);
	if (memcmp(text, code, code_len) != 0 ||
	    sscanf(text + code_len, "%3d-%3d-%3d-", &major, &minor, &patch) != 3 || major < 0 ||
	    minor < 0 || patch < 0)
		return false;
	snprintf(out, CLIENT_NAME_MAX, "%s %d.%d.%d", name, major, minor, patch);
	return true;
}

void
client_name(const uint8_t peer_id[20], char out[CLIENT_NAME_MAX])
{
	out[0] = '\0';
	if (!azureus(peer_id, out) && !dashed(peer_id, "A2-", "aria2", out))
		dashed(peer_id, "M", "BitTorrent", out);
}
