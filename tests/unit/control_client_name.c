/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BEP 20: programs by their peer id, whatever bytes a peer calls itself. */
#include "control/commands/client_name.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void
names_are(const char *id, const char *expect)
{
	uint8_t bytes[20] = {0};
	char name[CLIENT_NAME_MAX];

	memcpy(bytes, id, strlen(id));
	client_name(bytes, name);
	assert_string_equal(name, expect);
}

static void
programs_are_known(void **state)
{
	(void)state;
	names_are("-TR3000-abcdefghijkl", "Transmission 3.0");
	names_are("-TR4060-abcdefghijkl", "Transmission 4.0.6");
	names_are("-qB4650-abcdefghijkl", "qBittorrent 4.6.5");
	names_are("-lt0D80-abcdefghijkl", "rTorrent 0.13.8");
	names_are("-LT2080-abcdefghijkl", "libtorrent 2.0.8");
	names_are("-UT355W-abcdefghijkl", "uTorrent 3.5.5.32");
	names_are("-SW0100-abcdefghijkl", "Spillway 0.1");
	names_are("A2-1-36-0-abcdefghij", "aria2 1.36.0");
	names_are("M7-9-2--abcdefghijkl", "BitTorrent 7.9.2");
}

static void
others_are_told_as_they_are(void **state)
{
	(void)state;
	names_are("-ZZ1234-abcdefghijkl", "-ZZ1234-");
	names_are("-TR----abcdefghijkl", "");
	names_are("-TRab00-abcdefghijkl", "Transmission");
	names_are("-Z\033[2J-", "");
	names_are("-\xff\xfe" "1234-", "");
	names_are("A2-1-x", "");
	names_are("A2-9999-1-1-", "");
	names_are("A2--1-1-1-", "");
	names_are("", "");
}

/* Whatever the bytes, the name ends and is printable. */
static void
no_bytes_break_it(void **state)
{
	uint8_t id[20];
	char name[CLIENT_NAME_MAX];

	(void)state;
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		static const char *const starts[] = {"-", "A2-", "M", "-TR"};
		const char *start = starts[i % 4];

		for (size_t k = 0; k < sizeof(id); k++)
			id[k] = (uint8_t)random();
		memcpy(id, start, strlen(start));
		if (i % 8 < 4)
			id[7] = '-';
		client_name(id, name);
		assert_non_null(memchr(name, '\0', sizeof(name)));
		for (const char *p = name; *p != '\0'; p++)
			assert_in_range(*p, ' ', '~');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_known),
		cmocka_unit_test(others_are_told_as_they_are),
		cmocka_unit_test(no_bytes_break_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
