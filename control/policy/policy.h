/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* policy.h is what the operator limits, as the dataplane is to be told (ABI_POLICY): the options,
 * and over them what was changed while running, which is kept in the catalogue's settings.
 *
 *      rate_limit, label_limits, peer_classes, blocklist, upload_slots, choke, slow_peer
 *            └──────── over them: policy_set_all, _label, _class, _drain (kept) ────────┐
 *      sessions see policy_serial change and send policy_message, policy_fd ◄───────────┘
 *
 * Every rate and number of connections or slots is for the dataplane as a whole: what workers are
 * told is their even part, which shares.h then moves after the use. A worker has one slot at least.
 * Nobody is dropped by a change but those whose address is refused from then on.
 *
 * Threads: one. Lifecycle: policy_create after the catalogue is open; policy_destroy.
 */
#ifndef SPILLWAY_CONTROL_POLICY_POLICY_H
#define SPILLWAY_CONTROL_POLICY_POLICY_H

#include "control/policy/blocklist.h"
#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/policy/policy_text.h"
#include "control/catalogue/registry.h"
#include "dataplane/abi.h"

#include <stdbool.h>
#include <stdint.h>

struct policy;

/* policy_create reads the options and the settings; all is borrowed. A blocklist that cannot be
 * read is a failure.
 * Returns 0 or a negative errno with fail. */
int
policy_create(struct policy **policy, const struct options *options, struct registry *registry,
              struct fail *fail);

/* policy_destroy frees everything; NULL is allowed. */
void
policy_destroy(struct policy *policy);

/* policy_reconfigure follows options that were read again, and has the blocklist read again when
 * its file is another or has changed. What cannot be read is logged and left as it was. */
void
policy_reconfigure(struct policy *policy);

/* policy_run follows the blocklist's file (blocks.h). */
void
policy_run(struct policy *policy);

/* policy_timeout_ms returns when policy_run is due, -1: never. */
int
policy_timeout_ms(const struct policy *policy);

/* ---- for sessions */

/* policy_serial changes with the policy; never 0. */
uint64_t
policy_serial(const struct policy *policy);

/* policy_message fills the message of a worker. */
void
policy_message(const struct policy *policy, struct abi_policy *message);

/* policy_fd returns a descriptor of the sealed memfd, the caller's, or a negative errno. */
int
policy_fd(struct policy *policy);

/* policy_entry fills what an entry says of a torrent's limits. */
void
policy_entry(const struct policy *policy, const struct torrent *torrent, struct abi_entry *entry);

/* policy_entry_differs tells whether a worker holds other limits of a torrent than it should; that
 * its share of a rate is another is none. */
bool
policy_entry_differs(const struct policy *policy, const struct torrent *torrent,
                     const struct abi_entry *held);

/* ---- what there is */

/* policy_all, policy_labels, policy_classes and policy_blocks return what is in force. */
const struct limits *
policy_all(const struct policy *policy);
const struct label_limits *
policy_labels(const struct policy *policy);
const struct peer_classes *
policy_classes(const struct policy *policy);
const struct blocklist *
policy_blocks(const struct policy *policy);
bool
policy_drains(const struct policy *policy);

/* ---- changes, kept over restarts; each returns 0 or a negative errno with fail, and then nothing
 * has changed */

/* policy_set_all changes what is for all peers together. Of its weight nothing is made. */
int
policy_set_all(struct policy *policy, const struct limits *limits, struct fail *fail);

/* policy_set_label changes the limits of a label, which may have had none. */
int
policy_set_label(struct policy *policy, const char *label, const struct limits *limits,
                 struct fail *fail);

/* policy_set_class changes the limits of a class of the option peer_classes; -ENOENT: no such. */
int
policy_set_class(struct policy *policy, const char *name, const struct limits *limits,
                 struct fail *fail);

/* policy_set_drain says whether new connections are refused. */
int
policy_set_drain(struct policy *policy, bool on, struct fail *fail);

/* policy_forget forgets all that was changed while running, but for a drain: what the options say
 * holds again. */
int
policy_forget(struct policy *policy, struct fail *fail);

/* ---- options' checks */

/* policy_check_* return 0, or -EINVAL with fail, for the value of an option. */
int
policy_check_rate(const char *value, struct fail *fail);
int
policy_check_labels(const char *value, struct fail *fail);
int
policy_check_classes(const char *value, struct fail *fail);
int
policy_check_slow(const char *value, struct fail *fail);

#endif
