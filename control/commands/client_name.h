/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* client_name.h tells which program a peer runs, by its peer id (BEP 20): what it says of itself,
 * which may be untrue. */
#ifndef SPILLWAY_CONTROL_COMMANDS_CLIENT_NAME_H
#define SPILLWAY_CONTROL_COMMANDS_CLIENT_NAME_H

#include <stdint.h>

enum client_name_limit {
	CLIENT_NAME_MAX = 48, /* bytes, with the NUL */
};

/* client_name writes "Transmission 3.0.0", "-XX1230-" for a program that is not known, or "" for an
 * id of neither form. Printable ASCII in any case. */
void
client_name(const uint8_t peer_id[20], char out[CLIENT_NAME_MAX]);

#endif
