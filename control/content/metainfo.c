/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The parser's frame: reads the file, finds the info dictionary, takes the hashes, checks pieces
 * against the file list, and compares the halves of a hybrid. */
#include "control/content/metainfo.h"

#include "control/content/metainfo_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEXT_CHUNK_LEN = 4 << 10,
};

/* Strings live in chunks that do not move. */
struct metainfo_text {
	struct metainfo_text *prev;
	size_t len;
	size_t cap;
	char bytes[];
};

/* Bytes of the UTF-8 character at text, or 0 when it is none or a control character. */
static size_t
utf8_len(const unsigned char *text)
{
	size_t len = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	unsigned first = (unsigned)text[0] << 8 | text[1];
	size_t i;

	if (len == 1)
		return text[0] >= 0x20 && text[0] != 0x7f;
	/* C1 controls and overlong forms; surrogates and beyond the last character. */
	if (first < 0xc2a0 || (first >= 0xe000 && first < 0xe0a0) ||
	    (first >= 0xf000 && first < 0xf090) || (first >= 0xeda0 && first < 0xee00) ||
	    first >= 0xf490)
		return 0;
	for (i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

int
metainfo_error_set(struct metainfo_error *err, int code, const char *format, ...)
{
	unsigned char *text;
	size_t len;
	va_list args;

	if (err == NULL)
		return code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	for (text = (unsigned char *)err->text; *text != '\0'; text += len) {
		len = utf8_len(text);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
	}
	return code;
}

bool
metainfo_name_safe(const void *bytes, size_t len)
{
	const char *name = bytes;

	if (len == 0 || len > METAINFO_NAME_MAX)
		return false;
	if (memchr(name, '/', len) != NULL || memchr(name, '\0', len) != NULL)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

int
metainfo_text_put(struct metainfo_parser *parser, const void *bytes, size_t len,
		  const char **text)
{
	struct metainfo_text *chunk = parser->meta->text;
	size_t cap = len + 1 > TEXT_CHUNK_LEN ? len + 1 : TEXT_CHUNK_LEN;

	if (len >= METAINFO_TEXT_MAX - parser->text_len)
		return metainfo_refuse(parser, -EFBIG, "paths are longer than %u bytes in all",
				       (unsigned)METAINFO_TEXT_MAX);
	if (chunk == NULL || chunk->cap - chunk->len < len + 1) {
		chunk = malloc(sizeof(*chunk) + cap);
		if (chunk == NULL)
			return metainfo_refuse(parser, -ENOMEM, "out of memory");
		*chunk = (struct metainfo_text){ .prev = parser->meta->text, .cap = cap };
		parser->meta->text = chunk;
	}
	*text = memcpy(chunk->bytes + chunk->len, bytes, len);
	chunk->bytes[chunk->len + len] = '\0';
	chunk->len += len + 1;
	parser->text_len += len + 1;
	return 0;
}

static int
name_read(struct metainfo_parser *parser)
{
	uint32_t node = bencode_get(&parser->doc, parser->info, "name");
	uint32_t len;

	if (!bencode_is(&parser->doc, node, BENCODE_STR))
		return metainfo_refuse(parser, -EINVAL, "info.name is missing or no string");
	len = parser->doc.node[node].cnt;
	if (!metainfo_name_safe(bencode_str(&parser->doc, node), len))
		return metainfo_refuse(parser, -EINVAL, "info.name \"%.*s\" is not a safe file name",
				       (int)(len < 80 ? len : 80),
				       (const char *)bencode_str(&parser->doc, node));
	return metainfo_text_put(parser, bencode_str(&parser->doc, node), len,
				 &parser->meta->name);
}

/* BEP 52: the version is looked at before all else. */
static int
version_read(struct metainfo_parser *parser)
{
	struct metainfo *meta = parser->meta;
	uint32_t node = bencode_get(&parser->doc, parser->info, "meta version");

	meta->has_v1 = bencode_get(&parser->doc, parser->info, "pieces") != BENCODE_NONE;
	meta->has_v2 = node != BENCODE_NONE;
	if (meta->has_v2 && (parser->doc.node[node].type != BENCODE_INT ||
			     parser->doc.node[node].num != 2))
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"meta version\" is not 2, the only one known");
	if (!meta->has_v1 && !meta->has_v2)
		return metainfo_refuse(parser, -EINVAL, "info.pieces is missing");
	return 0;
}

static int
piece_len_read(struct metainfo_parser *parser)
{
	uint32_t node = bencode_get(&parser->doc, parser->info, "piece length");
	int64_t len;

	if (!bencode_is(&parser->doc, node, BENCODE_INT))
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"piece length\" is missing or no integer");
	len = parser->doc.node[node].num;
	if (len < METAINFO_PIECE_LEN_MIN || len > METAINFO_PIECE_LEN_MAX)
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"piece length\" %lld is not within [%d, %d]",
				       (long long)len, METAINFO_PIECE_LEN_MIN,
				       METAINFO_PIECE_LEN_MAX);
	/* BEP 52: a power of two, 16 KiB or more. */
	if (parser->meta->has_v2 && (len < 16384 || (len & (len - 1)) != 0))
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"piece length\" %lld is no power of two from 16384, "
				       "as v2 needs", (long long)len);
	parser->meta->piece_len = (uint32_t)len;
	return 0;
}

static int
private_read(struct metainfo_parser *parser)
{
	uint32_t node = bencode_get(&parser->doc, parser->info, "private");

	if (node == BENCODE_NONE)
		return 0;
	if (parser->doc.node[node].type != BENCODE_INT)
		return metainfo_refuse(parser, -EINVAL, "info.private is no integer");
	parser->meta->private_flag = parser->doc.node[node].num == 1; /* BEP 27 */
	return 0;
}

static int
hashes_take(struct metainfo_parser *parser)
{
	struct metainfo *meta = parser->meta;
	struct digest *sha1;
	int err = 0;

	if (meta->has_v1) {
		sha1 = digest_create(DIGEST_SHA1);
		if (sha1 == NULL)
			return metainfo_refuse(parser, -ENOMEM, "SHA-1 is not available");
		err = digest_of(sha1, meta->info, meta->info_len, meta->info_hash);
		digest_free(sha1);
	}
	if (err == 0 && meta->has_v2)
		err = digest_of(parser->sha256, meta->info, meta->info_len, meta->info_hash_v2);
	if (err < 0)
		return metainfo_refuse(parser, err, "hashing failed");
	return 0;
}

/* Counts bytes and pieces, and holds info.pieces against them. */
static int
pieces_check(struct metainfo_parser *parser)
{
	struct metainfo *meta = parser->meta;
	uint32_t node = bencode_get(&parser->doc, parser->info, "pieces");
	uint64_t piece_cnt = (meta->total_len + meta->piece_len - 1) / meta->piece_len;

	if (meta->content_len == 0)
		return metainfo_refuse(parser, -EINVAL, "the torrent holds no bytes");
	if (piece_cnt > METAINFO_PIECES_MAX)
		return metainfo_refuse(parser, -EFBIG, "the torrent has more than %d pieces",
				       METAINFO_PIECES_MAX);
	meta->piece_cnt = (uint32_t)piece_cnt;
	if (!meta->has_v1)
		return 0;
	if (!bencode_is(&parser->doc, node, BENCODE_STR))
		return metainfo_refuse(parser, -EINVAL, "info.pieces is no string");
	if (parser->doc.node[node].cnt != piece_cnt * DIGEST_SHA1_LEN)
		return metainfo_refuse(parser, -EINVAL,
				       "info.pieces has %u bytes where %llu pieces need %llu",
				       parser->doc.node[node].cnt, (unsigned long long)piece_cnt,
				       (unsigned long long)piece_cnt * DIGEST_SHA1_LEN);
	meta->pieces = bencode_str(&parser->doc, node);
	return 0;
}

/* BEP 52, upgrade path: both halves must name the same files in the same order, aligned alike. */
static int
hybrid_join(struct metainfo_parser *parser, struct metainfo_files *v1,
	    const struct metainfo_files *v2)
{
	uint32_t i, other = 0;

	for (i = 0; i < v1->cnt; i++) {
		struct metainfo_file *file = &v1->file[i];

		if (file->flags & METAINFO_FILE_PAD)
			continue;
		if (other == v2->cnt || strcmp(file->path, v2->file[other].path) != 0 ||
		    file->len != v2->file[other].len)
			return metainfo_refuse(parser, -EINVAL,
					       "info.\"file tree\" and the v1 files differ at \"%.80s\"",
					       file->path);
		if (file->len > 0 && file->off % parser->meta->piece_len != 0)
			return metainfo_refuse(parser, -EINVAL,
					       "v1 file \"%.80s\" of a hybrid begins within a piece",
					       file->path);
		file->pieces_root = v2->file[other].pieces_root;
		file->piece_layer = v2->file[other++].piece_layer;
	}
	if (other < v2->cnt)
		return metainfo_refuse(parser, -EINVAL,
				       "info.\"file tree\" has \"%.80s\", the v1 files do not",
				       v2->file[other].path);
	return 0;
}

static void
files_keep(struct metainfo *meta, struct metainfo_files *files)
{
	uint32_t i;

	meta->file = files->file;
	meta->file_cnt = files->cnt;
	meta->symlink_cnt = files->symlink_cnt;
	meta->total_len = files->end;
	for (i = 0; i < files->cnt; i++) {
		if (!metainfo_file_has_data(&files->file[i]))
			continue;
		meta->data_file_cnt++;
		meta->content_len += files->file[i].len;
	}
	*files = (struct metainfo_files){ 0 };
}

static int
files_read(struct metainfo_parser *parser)
{
	struct metainfo *meta = parser->meta;
	struct metainfo_files v1 = { 0 }, v2 = { 0 };
	int err = 0;

	if (meta->has_v1)
		err = metainfo_files_v1(parser, &v1);
	if (err == 0 && meta->has_v2)
		err = metainfo_files_v2(parser, &v2);
	if (err == 0 && meta->has_v1 && meta->has_v2)
		err = hybrid_join(parser, &v1, &v2);
	if (err == 0)
		err = metainfo_files_clash(parser, meta->has_v1 ? &v1 : &v2);
	if (err == 0)
		files_keep(meta, meta->has_v1 ? &v1 : &v2);
	free(v1.file);
	free(v2.file);
	return err;
}

static int
info_find(struct metainfo_parser *parser)
{
	struct metainfo *meta = parser->meta;
	const char *why;
	size_t off;
	int err;

	err = bencode_decode(&parser->doc, meta->bytes, meta->len, &why, &off);
	if (err < 0)
		return metainfo_refuse(parser, err, "not a .torrent: %s at byte %zu", why, off);
	if (!bencode_is(&parser->doc, 0, BENCODE_DICT))
		return metainfo_refuse(parser, -EINVAL, "not a .torrent: no dictionary");
	parser->info = bencode_get(&parser->doc, 0, "info");
	if (!bencode_is(&parser->doc, parser->info, BENCODE_DICT))
		return metainfo_refuse(parser, -EINVAL, "info is missing or no dictionary");
	meta->info = bencode_raw(&parser->doc, parser->info, &meta->info_len);
	if (meta->info_len > METAINFO_INFO_MAX)
		return metainfo_refuse(parser, -EFBIG, "info has more than %d bytes",
				       METAINFO_INFO_MAX);
	return 0;
}

static int
parser_run(struct metainfo_parser *parser)
{
	static int (*const step[])(struct metainfo_parser *) = {
		info_find, version_read, name_read, piece_len_read, private_read,
		files_read, pieces_check, hashes_take, metainfo_trackers,
	};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(step) / sizeof(step[0]) && err == 0; i++)
		err = step[i](parser);
	return err;
}

int
metainfo_parse(struct metainfo **meta, const void *bytes, size_t len, struct metainfo_error *err)
{
	struct metainfo_parser parser = { .err = err };
	int code = -ENOMEM;

	*meta = NULL;
	if (len > METAINFO_LEN_MAX)
		return metainfo_refuse(&parser, -EFBIG, "larger than %d bytes", METAINFO_LEN_MAX);
	parser.meta = calloc(1, sizeof(*parser.meta));
	parser.sha256 = digest_create(DIGEST_SHA256);
	if (parser.meta != NULL)
		parser.meta->bytes = malloc(len + 1);
	if (parser.meta == NULL || parser.sha256 == NULL || parser.meta->bytes == NULL) {
		metainfo_refuse(&parser, -ENOMEM, "out of memory");
	} else {
		if (len > 0)
			memcpy(parser.meta->bytes, bytes, len);
		parser.meta->len = len;
		code = parser_run(&parser);
	}
	bencode_free(&parser.doc);
	digest_free(parser.sha256);
	if (code < 0)
		metainfo_free(parser.meta);
	else
		*meta = parser.meta;
	return code;
}

/* Reads a regular file whole; the size is bounded before memory is taken. */
static int
file_slurp(int fd, uint8_t **bytes, size_t *len, struct metainfo_error *err)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return metainfo_error_set(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return metainfo_error_set(err, -EINVAL, "not a regular file");
	if (st.st_size > METAINFO_LEN_MAX)
		return metainfo_error_set(err, -EFBIG, "larger than %d bytes", METAINFO_LEN_MAX);
	*bytes = malloc((size_t)st.st_size + 1);
	if (*bytes == NULL)
		return metainfo_error_set(err, -ENOMEM, "out of memory");
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)got) {
		got = read(fd, *bytes + *len, (size_t)st.st_size - *len);
		if (got < 0)
			return metainfo_error_set(err, -errno, "%s", strerror(errno));
		if (got == 0)
			break;
	}
	return 0;
}

int
metainfo_load(struct metainfo **meta, const char *path, struct metainfo_error *err)
{
	struct metainfo_error inner = { "" };
	uint8_t *bytes = NULL;
	size_t len = 0;
	int fd, code;

	*meta = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return metainfo_error_set(err, -errno, "%.100s: %s", path, strerror(errno));
	code = file_slurp(fd, &bytes, &len, &inner);
	close(fd);
	if (code == 0)
		code = metainfo_parse(meta, bytes, len, &inner);
	free(bytes);
	if (code < 0)
		metainfo_error_set(err, code, "%.80s: %s", path, inner.text);
	return code;
}

void
metainfo_free(struct metainfo *meta)
{
	struct metainfo_text *text;

	if (meta == NULL)
		return;
	while ((text = meta->text) != NULL) {
		meta->text = text->prev;
		free(text);
	}
	free(meta->tracker);
	free(meta->file);
	free(meta->bytes);
	free(meta);
}
