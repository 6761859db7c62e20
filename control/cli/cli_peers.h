/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli_peers.h is what the parts of "spillway peers" share. */
#ifndef SPILLWAY_CONTROL_CLI_CLI_PEERS_H
#define SPILLWAY_CONTROL_CLI_CLI_PEERS_H

#include "control/cli/cli.h"

/* cli_trace shows the last events of the connection with ADDRESS:PORT. Returns an exit code. */
int
cli_trace(const struct cli *cli, const char *peer);

#endif
