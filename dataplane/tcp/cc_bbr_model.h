/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cc_bbr_model.h is what BBR knows of a path from acknowledgements: rounds, the greatest
 * bandwidth, and how much acknowledgements come in bursts. See cc_bbr.h. */
#ifndef SPILLWAY_DATAPLANE_TCP_CC_BBR_MODEL_H
#define SPILLWAY_DATAPLANE_TCP_CC_BBR_MODEL_H

#include "dataplane/tcp/cc.h"

/* bbr_model_acked takes an acknowledgement into the model. bbr->round_start tells afterwards
 * whether it begins a round; packet conservation ends with one. */
void
bbr_model_acked(struct cc *cc, const struct cc_ack *ack);

#endif
