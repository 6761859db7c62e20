/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fields of torrent-get that the catalogue in memory knows. What only a downloader has is told as
 * Transmission tells it of a torrent that is whole. */
#include "control/api/transmission_view.h"

#include "control/commands/answer.h"

#include <string.h>

/* Transmission's numbers (libtransmission/transmission.h, tr_torrent_activity and tr_stat_errtype).
 */
enum {
	STATUS_STOPPED = 0,
	STATUS_CHECK_WAIT = 1,
	STATUS_CHECK = 2,
	STATUS_SEED = 6,
	ERROR_NONE = 0,
	ERROR_LOCAL = 3,
};

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static bool
is_checked(const struct tr_view *v, struct work_progress *progress)
{
	return v->t->env->work != NULL && work_progress(v->t->env->work, v->torrent, progress);
}

static json_t *
make_status(const struct tr_view *v)
{
	struct work_progress progress;

	if (v->torrent->state == TORRENT_VERIFYING || torrent_verifying(v->torrent))
		return json_integer(is_checked(v, &progress) ? STATUS_CHECK : STATUS_CHECK_WAIT);
	return json_integer(torrent_offered(v->torrent) ? STATUS_SEED : STATUS_STOPPED);
}

static json_t *
make_recheck(const struct tr_view *v)
{
	struct work_progress progress;

	if (!torrent_verifying(v->torrent) || !is_checked(v, &progress) || progress.total_bytes == 0)
		return json_real(0);
	return json_real((double)progress.done_bytes / (double)progress.total_bytes);
}

static json_t *
make_error(const struct tr_view *v)
{
	return json_integer(v->torrent->reason[0] != '\0' ? ERROR_LOCAL : ERROR_NONE);
}

/* had_bytes is what we have, to a piece. */
static uint64_t
had_bytes(const struct torrent *t)
{
	if (t->have_cnt == t->piece_cnt)
		return t->total_len;
	return (uint64_t)((double)t->total_len * t->have_cnt / (t->piece_cnt > 0 ? t->piece_cnt : 1));
}

static json_t *
make_left(const struct tr_view *v)
{
	return number(v->torrent->total_len - had_bytes(v->torrent));
}

static json_t *
make_had(const struct tr_view *v)
{
	return number(had_bytes(v->torrent));
}

static json_t *
make_done(const struct tr_view *v)
{
	const struct torrent *t = v->torrent;

	return json_real(t->piece_cnt > 0 ? (double)t->have_cnt / t->piece_cnt : 0);
}

static json_t *
make_metadata_done(const struct tr_view *v)
{
	(void)v;
	return json_real(1);
}

/* make_ratio is what was uploaded to what is had; -1: nothing of either. */
static json_t *
make_ratio(const struct tr_view *v)
{
	uint64_t had = had_bytes(v->torrent), up = v->whole.uploaded_bytes;

	if (had == 0)
		return json_real(up > 0 ? -2 : -1);
	return json_real((double)up / (double)had);
}

static json_t *
make_priority(const struct tr_view *v)
{
	uint32_t weight = v->torrent->settings.weight;

	return json_integer((weight > TORRENT_WEIGHT_PRESET) - (weight < TORRENT_WEIGHT_PRESET));
}

static json_t *
make_peer_limit(const struct tr_view *v)
{
	uint32_t own = v->torrent->settings.connections_max;

	return json_integer(own > 0 ? own : v->t->env->options->connections_max);
}

static json_t *
make_upload_limit(const struct tr_view *v)
{
	return number((v->torrent->settings.rate_bytes_per_s + TR_KILO - 1) / TR_KILO);
}

static json_t *
make_upload_limited(const struct tr_view *v)
{
	return json_boolean(v->torrent->settings.rate_bytes_per_s > 0);
}

static json_t *
make_getting(const struct tr_view *v)
{
	return number(v->rate.bytes_per_s > 0 ? v->whole.peer_cnt : 0);
}

static json_t *
make_stalled(const struct tr_view *v)
{
	return json_boolean(v->torrent->state == TORRENT_SEEDING && v->rate.bytes_per_s == 0);
}

static json_t *
make_peers_from(const struct tr_view *v)
{
	return json_pack("{s:i, s:i, s:I, s:i, s:i, s:i, s:i}", "fromCache", 0, "fromDht", 0,
	                 "fromIncoming", (json_int_t)v->whole.peer_cnt, "fromLpd", 0, "fromLtep", 0,
	                 "fromPex", 0, "fromTracker", 0);
}

static json_t *
make_seconds_seeding(const struct tr_view *v)
{
	const struct torrent *t = v->torrent;
	bool seeds = torrent_offered(t) && t->verified_at > 0 && v->now > t->verified_at;

	return json_integer(seeds ? v->now - t->verified_at : 0);
}

static json_t *
make_id(const struct tr_view *v)
{
	return number(v->torrent->id);
}

static json_t *
make_name(const struct tr_view *v)
{
	return answer_text(v->torrent->name);
}

static json_t *
make_labels(const struct tr_view *v)
{
	return answer_labels(v->torrent);
}

static json_t *
make_hash(const struct tr_view *v)
{
	return answer_hex(v->torrent->info_hash, 20);
}

static json_t *
make_error_text(const struct tr_view *v)
{
	return answer_text(v->torrent->reason);
}

static json_t *
make_added(const struct tr_view *v)
{
	return json_integer(v->torrent->added_at);
}

static json_t *
make_verified(const struct tr_view *v)
{
	return json_integer(v->torrent->verified_at);
}

static json_t *
make_moved(const struct tr_view *v)
{
	return json_integer(v->rate.moved_at);
}

static json_t *
make_total(const struct tr_view *v)
{
	return number(v->torrent->total_len);
}

static json_t *
make_pieces(const struct tr_view *v)
{
	return number(v->torrent->piece_cnt);
}

static json_t *
make_files(const struct tr_view *v)
{
	return number(v->torrent->file_cnt);
}

static json_t *
make_rate(const struct tr_view *v)
{
	return number(v->rate.bytes_per_s);
}

static json_t *
make_uploaded(const struct tr_view *v)
{
	return number(v->whole.uploaded_bytes);
}

static json_t *
make_peer_cnt(const struct tr_view *v)
{
	return number(v->whole.peer_cnt);
}

static json_t *
make_zero(const struct tr_view *v)
{
	(void)v;
	return json_integer(0);
}

static json_t *
make_real_zero(const struct tr_view *v)
{
	(void)v;
	return json_real(0);
}

static json_t *
make_minus_one(const struct tr_view *v)
{
	(void)v;
	return json_integer(-1);
}

static json_t *
make_false(const struct tr_view *v)
{
	(void)v;
	return json_false();
}

static json_t *
make_true(const struct tr_view *v)
{
	(void)v;
	return json_true();
}

static json_t *
make_empty(const struct tr_view *v)
{
	(void)v;
	return json_string("");
}

static json_t *
make_none(const struct tr_view *v)
{
	(void)v;
	return json_array();
}


static const struct tr_field fields[] = {
	{"activityDate", false, make_moved},
	{"addedDate", false, make_added},
	{"bandwidthPriority", false, make_priority},
	{"corruptEver", false, make_zero},
	{"desiredAvailable", false, make_zero},
	{"doneDate", false, make_added},
	{"downloadLimit", false, make_zero},
	{"downloadLimited", false, make_false},
	{"downloadedEver", false, make_zero},
	{"editDate", false, make_zero},
	{"error", false, make_error},
	{"errorString", false, make_error_text},
	{"eta", false, make_minus_one},
	{"etaIdle", false, make_minus_one},
	{"file-count", false, make_files},
	{"group", false, make_empty},
	{"hashString", false, make_hash},
	{"haveUnchecked", false, make_zero},
	{"haveValid", false, make_had},
	{"honorsSessionLimits", false, make_true},
	{"id", false, make_id},
	{"isFinished", false, make_false},
	{"isStalled", false, make_stalled},
	{"labels", false, make_labels},
	{"leftUntilDone", false, make_left},
	{"manualAnnounceTime", false, make_minus_one},
	{"maxConnectedPeers", false, make_peer_limit},
	{"metadataPercentComplete", false, make_metadata_done},
	{"name", false, make_name},
	{"peer-limit", false, make_peer_limit},
	{"peersConnected", false, make_peer_cnt},
	{"peersFrom", false, make_peers_from},
	{"peersGettingFromUs", false, make_getting},
	{"peersSendingToUs", false, make_zero},
	{"percentComplete", false, make_done},
	{"percentDone", false, make_done},
	{"pieceCount", false, make_pieces},
	{"queuePosition", false, make_id},
	{"rateDownload", false, make_zero},
	{"rateUpload", false, make_rate},
	{"recheckProgress", false, make_recheck},
	{"secondsDownloading", false, make_zero},
	{"secondsSeeding", false, make_seconds_seeding},
	{"seedIdleLimit", false, make_zero},
	{"seedIdleMode", false, make_zero},
	{"seedRatioLimit", false, make_real_zero},
	{"seedRatioMode", false, make_zero},
	{"sizeWhenDone", false, make_total},
	{"startDate", false, make_verified},
	{"status", false, make_status},
	{"torrentFile", false, make_empty},
	{"totalSize", false, make_total},
	{"uploadLimit", false, make_upload_limit},
	{"uploadLimited", false, make_upload_limited},
	{"uploadRatio", false, make_ratio},
	{"uploadedEver", false, make_uploaded},
	{"webseeds", false, make_none},
	{"webseedsSendingToUs", false, make_zero},
};

static const struct tr_field *
find_in(const struct tr_field *list, size_t cnt, const char *name)
{
	for (size_t i = 0; i < cnt; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

const struct tr_field *
tr_field_find(const char *name)
{
	const struct tr_field *found = find_in(fields, sizeof(fields) / sizeof(fields[0]), name);

	if (found == NULL)
		found = find_in(tr_fields_detail, tr_fields_detail_cnt, name);
	return found != NULL ? found : find_in(tr_fields_tracker, tr_fields_tracker_cnt, name);
}
