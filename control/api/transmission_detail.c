/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Fields of torrent-get that need the metainfo, or what was verified. */
#include "control/api/transmission_view.h"

#include "control/commands/answer.h"
#include "control/api/base64.h"
#include "control/content/bencode.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is read when it is wanted. */

static void
source_read(const struct tr_view *v)
{
	struct tr_loan *loan = v->loan;
	struct fail ignored;

	if (!loan->has_source)
		registry_metainfo(v->t->env->registry, v->torrent->id, &loan->meta, &loan->data_dir,
		                  &ignored);
	loan->has_source = true;
}

const struct metainfo *
tr_meta(const struct tr_view *view)
{
	source_read(view);
	return view->loan->meta;
}

const char *
tr_data_dir(const struct tr_view *view)
{
	source_read(view);
	return view->loan->data_dir != NULL ? view->loan->data_dir : "";
}

const uint8_t *
tr_have(const struct tr_view *view)
{
	const struct torrent *t = view->torrent;
	struct tr_loan *loan = view->loan;
	struct fail ignored;

	if (!loan->has_verified && t->have_cnt > 0 && t->have_cnt < t->piece_cnt)
		catalogue_verified(view->t->env->registry->catalogue, t->id, &loan->verified, &ignored);
	loan->has_verified = true;
	return loan->verified.have_len >= (t->piece_cnt + 7) / 8 ? loan->verified.have : NULL;
}

void
tr_loan_end(struct tr_loan *loan)
{
	metainfo_free(loan->meta);
	free(loan->data_dir);
	catalogue_verified_free(&loan->verified);
}

/* ---- What the metainfo knows. */

static json_t *
make_private(const struct tr_view *v)
{
	const struct metainfo *meta = tr_meta(v);

	return json_boolean(meta != NULL && meta->private_flag);
}

static json_t *
make_piece_size(const struct tr_view *v)
{
	const struct metainfo *meta = tr_meta(v);

	return json_integer(meta != NULL ? meta->piece_len : 0);
}

static json_t *
make_dir(const struct tr_view *v)
{
	return answer_text(tr_data_dir(v));
}

static json_t *
make_magnet(const struct tr_view *v)
{
	const struct metainfo *meta = tr_meta(v);

	return meta != NULL ? answer_magnet(meta) : json_string("");
}

/* ---- Pieces and files. */

static bool
piece_had(const struct tr_view *v, uint64_t piece)
{
	if (v->torrent->have_cnt == v->torrent->piece_cnt)
		return true;
	const uint8_t *have = tr_have(v);
	return have != NULL && (have[piece / 8] >> (7 - piece % 8) & 1) != 0;
}

static json_t *
make_bitfield(const struct tr_view *v)
{
	size_t len = (v->torrent->piece_cnt + 7) / 8;
	uint8_t *bits = calloc(1, len + 1);

	if (bits == NULL)
		return NULL;
	for (uint32_t i = 0; i < v->torrent->piece_cnt; i++)
		if (piece_had(v, i))
			bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
	char *text = base64_encode(bits, len);
	json_t *json = text != NULL ? json_string(text) : NULL;
	free(text);
	free(bits);
	return json;
}

/* make_availability is -1 for pieces that we have; of the others no peer tells us. */
static json_t *
make_availability(const struct tr_view *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->torrent->piece_cnt; i++)
		json_array_append_new(list, json_integer(piece_had(v, i) ? -1 : 0));
	return list;
}

/* file_had returns how many bytes of a file we have, to a piece. */
static uint64_t
file_had(const struct tr_view *v, const struct metainfo_file *file)
{
	uint64_t had = 0, end = file->off + file->len, piece_len = tr_meta(v)->piece_len;

	if (v->torrent->have_cnt == v->torrent->piece_cnt)
		return file->len;
	for (uint64_t piece = file->off / piece_len; piece * piece_len < end; piece++) {
		uint64_t from = piece * piece_len > file->off ? piece * piece_len : file->off;
		uint64_t to = (piece + 1) * piece_len < end ? (piece + 1) * piece_len : end;
		if (piece_had(v, piece))
			had += to - from;
	}
	return had;
}

/* A list with a value for each file but pads. */
static json_t *
each_file(const struct tr_view *v,
          json_t *(*make)(const struct tr_view *v, const struct metainfo_file *file))
{
	const struct metainfo *meta = tr_meta(v);
	json_t *list = json_array();

	for (uint32_t i = 0; meta != NULL && i < meta->file_cnt; i++)
		if ((meta->file[i].flags & METAINFO_FILE_PAD) == 0)
			json_array_append_new(list, make(v, &meta->file[i]));
	return list;
}

static json_t *
file_whole(const struct tr_view *v, const struct metainfo_file *file)
{
	return json_pack("{s:I, s:I, s:o}", "bytesCompleted", (json_int_t)file_had(v, file), "length",
	                 (json_int_t)file->len, "name", answer_text(file->path));
}

static json_t *
file_stat(const struct tr_view *v, const struct metainfo_file *file)
{
	return json_pack("{s:I, s:b, s:i}", "bytesCompleted", (json_int_t)file_had(v, file), "wanted",
	                 1, "priority", 0);
}

static json_t *
file_priority(const struct tr_view *v, const struct metainfo_file *file)
{
	(void)v, (void)file;
	return json_integer(0);
}

static json_t *
file_wanted(const struct tr_view *v, const struct metainfo_file *file)
{
	(void)v, (void)file;
	return json_integer(1);
}

static json_t *
make_file_list(const struct tr_view *v)
{
	return each_file(v, file_whole);
}

static json_t *
make_file_stats(const struct tr_view *v)
{
	return each_file(v, file_stat);
}

static json_t *
make_priorities(const struct tr_view *v)
{
	return each_file(v, file_priority);
}

static json_t *
make_wanted(const struct tr_view *v)
{
	return each_file(v, file_wanted);
}

static json_t *
make_peers(const struct tr_view *v)
{
	return v->peers != NULL ? json_incref(v->peers) : json_array();
}

/* ---- What is beside the info dictionary. */

/* outer_text returns a text of the .torrent's outer dictionary. */
static json_t *
outer_text(const struct tr_view *v, const char *key)
{
	const struct metainfo *meta = tr_meta(v);
	struct bencode doc;

	if (meta == NULL || bencode_decode(&doc, meta->bytes, meta->len, NULL, NULL) != 0)
		return json_string("");
	uint32_t node = bencode_get_type(&doc, 0, key, BENCODE_STR);
	char *text = node != BENCODE_NONE
	                 ? strndup((const char *)bencode_str(&doc, node), doc.node[node].cnt)
	                 : NULL;
	json_t *json = answer_text(text != NULL ? text : "");
	free(text);
	bencode_free(&doc);
	return json;
}

static json_t *
make_comment(const struct tr_view *v)
{
	return outer_text(v, "comment");
}

static json_t *
make_creator(const struct tr_view *v)
{
	return outer_text(v, "created by");
}

static json_t *
make_created(const struct tr_view *v)
{
	const struct metainfo *meta = tr_meta(v);
	struct bencode doc;

	if (meta == NULL || bencode_decode(&doc, meta->bytes, meta->len, NULL, NULL) != 0)
		return json_integer(0);
	uint32_t node = bencode_get_type(&doc, 0, "creation date", BENCODE_INT);
	int64_t date = node != BENCODE_NONE ? doc.node[node].num : 0;
	bencode_free(&doc);
	return json_integer(date > 0 ? date : 0);
}

const struct tr_field tr_fields_detail[] = {
	{"availability", false, make_availability},
	{"comment", false, make_comment},
	{"creator", false, make_creator},
	{"dateCreated", false, make_created},
	{"downloadDir", false, make_dir},
	{"fileStats", false, make_file_stats},
	{"files", false, make_file_list},
	{"isPrivate", false, make_private},
	{"magnetLink", false, make_magnet},
	{"peers", true, make_peers},
	{"pieceSize", false, make_piece_size},
	{"pieces", false, make_bitfield},
	{"priorities", false, make_priorities},
	{"wanted", false, make_wanted},
};
const size_t tr_fields_detail_cnt = sizeof(tr_fields_detail) / sizeof(tr_fields_detail[0]);
