/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of spillwayd. */
#include "control/options/options_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* word_is_option splits "--name" or "--name=value"; *value stays NULL when it is not inside. */
static bool
word_is_option(const char *word, const char **name, size_t *name_len, const char **value)
{
	if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
		return false;
	const char *equals = strchr(word, '=');
	*name = word + 2;
	*name_len = equals != NULL ? (size_t)(equals - *name) : strlen(*name);
	*value = equals != NULL ? equals + 1 : NULL;
	return true;
}

static bool
name_is(const char *name, size_t name_len, const char *word)
{
	return strlen(word) == name_len && memcmp(name, word, name_len) == 0;
}

static int
word_action(const char *word, enum options_action *action)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		*action = OPTIONS_HELP;
	else if (strcmp(word, "--version") == 0)
		*action = OPTIONS_VERSION;
	else if (strcmp(word, "--print-config") == 0 || strcmp(word, "--print_config") == 0)
		*action = OPTIONS_PRINT_CONFIG;
	else if (strcmp(word, "--print-man") == 0 || strcmp(word, "--print_man") == 0)
		*action = OPTIONS_PRINT_MAN;
	else
		return 0;
	return 1;
}

/* words_apply walks the command line. With options NULL it only looks for --config, which must be
 * read before the rest can win over it. */
static int
words_apply(struct options *options, int argc, char *const *argv, const char **config,
            struct fail *fail)
{
	enum options_action ignored;

	for (int i = 1; i < argc; i++) {
		const char *name, *value;
		size_t name_len;

		if (word_action(argv[i], &ignored))
			continue;
		if (!word_is_option(argv[i], &name, &name_len, &value))
			return fail_set(fail, EINVAL, "unexpected argument \"%s\"; see --help", argv[i]);
		bool no_huge = name_is(name, name_len, "no-huge") || name_is(name, name_len, "no_huge");
		if (no_huge && value == NULL) {
			if (options != NULL)
				options->huge = 0;
			continue;
		}
		const struct option_row *row = options_row_find(name, name_len);
		bool is_config = name_is(name, name_len, "config");
		if (row == NULL && !is_config)
			return fail_set(fail, EINVAL, "unknown option \"%s\"; see --help", argv[i]);
		if (value == NULL && ++i < argc)
			value = argv[i];
		if (value == NULL)
			return fail_set(fail, EINVAL, "option %s needs a value", argv[argc - 1]);
		if (is_config)
			*config = value;
		else if (options != NULL) {
			int err = options_row_set(options, row, value, fail);
			if (err != 0)
				return err;
		}
	}
	return 0;
}

int
options_parse(struct options *options, int argc, char *const *argv, enum options_action *action,
              struct fail *fail)
{
	const char *config = NULL;

	options_default(options);
	*action = OPTIONS_RUN;
	for (int i = 1; i < argc; i++)
		if (word_action(argv[i], action) && *action != OPTIONS_PRINT_CONFIG)
			return 0;
	int err = words_apply(NULL, argc, argv, &config, fail);
	if (err == 0 && config != NULL)
		err = options_load(options, config, fail);
	if (err == 0)
		err = words_apply(options, argc, argv, &config, fail);
	return err;
}
