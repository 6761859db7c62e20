/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* catalogue_ranges.h keeps what is verified of torrents whose verification is not done, so that the
 * next run goes on there (verify.h).
 *
 * Threads: the catalogue's.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_RANGES_H
#define SPILLWAY_CONTROL_CATALOGUE_CATALOGUE_RANGES_H

#include "control/catalogue/catalogue.h"
#include "control/content/verify.h"

/* catalogue_range_put stores one range of a torrent, in the place of an older one.
 * Returns 0 or -errno with fail. */
int
catalogue_range_put(struct catalogue *catalogue, uint32_t id, const struct verify_saved *saved,
                    struct fail *fail);

/* catalogue_ranges reads all ranges of a torrent; what is damaged is left out.
 *
 * saved  out: each to be released with verify_saved_free, the array with free; NULL for none.
 * Returns 0 or -errno with fail; nothing is to be freed then. */
int
catalogue_ranges(struct catalogue *catalogue, uint32_t id, struct verify_saved **saved,
                 uint32_t *cnt, struct fail *fail);

/* catalogue_ranges_ask forgets all ranges of torrents, and remembers that their verification is
 * asked for: catalogue_ranges_after finds them. All or, on failure, nothing.
 * Returns 0 or -errno with fail. */
int
catalogue_ranges_ask(struct catalogue *catalogue, const uint32_t *ids, uint32_t cnt,
                     struct fail *fail);

/* catalogue_ranges_after returns the smallest id above id of a torrent with ranges or whose
 * verification was asked for, 0 when there is none. */
uint32_t
catalogue_ranges_after(struct catalogue *catalogue, uint32_t id);

/* catalogue_ranges_clear forgets all ranges of a torrent; may be part of a transaction.
 * Returns 0 or -errno with fail. */
int
catalogue_ranges_clear(struct catalogue *catalogue, uint32_t id, struct fail *fail);

#endif
