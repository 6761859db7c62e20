/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading the configuration file. */
#include "control/options/options_table.h"

#include <yaml.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

struct file_state {
	struct options *options;
	const char *path;
	bool seen[OPTION_ROWS_MAX];
};

static int
pair_apply(struct file_state *state, const yaml_node_t *key, const yaml_node_t *value,
           struct fail *fail)
{
	size_t line = key->start_mark.line + 1;

	if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE)
		return fail_set(fail, EINVAL, "%s:%zu: expected \"option: value\"", state->path, line);
	const char *name = (const char *)key->data.scalar.value;
	const struct option_row *row = options_row_find(name, strlen(name));
	if (row == NULL)
		return fail_set(fail, EINVAL, "%s:%zu: unknown option \"%.64s\"", state->path, line, name);
	if (state->seen[row - option_rows])
		return fail_set(fail, EINVAL, "%s:%zu: option %s is given twice", state->path, line,
		                row->name);
	state->seen[row - option_rows] = true;
	if (strlen((const char *)value->data.scalar.value) != value->data.scalar.length)
		return fail_set(fail, EINVAL, "%s:%zu: option %s: value holds a NUL byte", state->path,
		                line, row->name);
	struct fail inner;
	int err = options_row_set(state->options, row, (const char *)value->data.scalar.value, &inner);
	if (err != 0)
		fail_set(fail, -err, "%s:%zu: %.400s", state->path, line, inner.text);
	return err;
}

static int
document_apply(struct file_state *state, yaml_document_t *document, struct fail *fail)
{
	yaml_node_t *root = yaml_document_get_root_node(document);

	if (root == NULL) /* an empty file changes nothing */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return fail_set(fail, EINVAL, "%s:%zu: expected lines of \"option: value\"", state->path,
		                root->start_mark.line + 1);
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		int err = pair_apply(state, yaml_document_get_node(document, pair->key),
		                     yaml_document_get_node(document, pair->value), fail);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
stream_apply(struct file_state *state, FILE *file, struct fail *fail)
{
	yaml_parser_t parser;
	yaml_document_t document;

	if (!yaml_parser_initialize(&parser))
		return fail_set(fail, ENOMEM, "%s: out of memory", state->path);
	yaml_parser_set_input_file(&parser, file);
	int err;
	if (yaml_parser_load(&parser, &document)) {
		err = document_apply(state, &document, fail);
		yaml_document_delete(&document);
	} else {
		err = fail_set(fail, EINVAL, "%s:%zu: not YAML: %s", state->path,
		               parser.problem_mark.line + 1,
		               parser.problem ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	return err;
}

int
options_load(struct options *options, const char *path, struct fail *fail)
{
	struct file_state state = {.options = options, .path = path};
	struct stat st;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return fail_set(fail, errno, "configuration file %s: %s", path, strerror(errno));
	int err;
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
		err = fail_set(fail, EINVAL, "configuration file %s: not a regular file", path);
	else if (st.st_size > OPTION_FILE_BYTES_MAX)
		err = fail_set(fail, EFBIG, "configuration file %s: larger than %d bytes", path,
		               OPTION_FILE_BYTES_MAX);
	else
		err = stream_apply(&state, file, fail);
	fclose(file);
	return err;
}
