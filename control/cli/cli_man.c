/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway man: the manual page spillway(1), made of the table of commands. */
#include "control/cli/cli.h"
#include "control/base/roff.h"

static void
command_print(const struct cli_command *command)
{
	printf(".SS ");
	roff_text(stdout, command->name);
	printf("\n.nf\n.B spillway ");
	roff_text(stdout, command->name);
	if (command->usage[0] != '\0')
		putchar(' ');
	roff_text(stdout, command->usage);
	printf("\n.fi\n.PP\n");
	roff_text(stdout, command->help);
	puts(".");
	if (command->more[0] == '\0')
		return;
	/* Laid out as --help is. */
	puts(".PP\n.nf");
	roff_text(stdout, command->more);
	puts(".fi");
}

static int
man(const struct cli *cli, int argc, char **argv)
{
	if (argc != 1)
		return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[1]);
	roff_title(stdout, "SPILLWAY", "1", "User Commands");
	puts(".SH NAME\nspillway \\- tells spillwayd what to seed\n"
	     ".SH SYNOPSIS\n.B spillway\n"
	     "[\\fB\\-\\-run\\-dir\\fR \\fIDIR\\fR] [\\fB\\-\\-json\\fR] \\fICOMMAND\\fR ...\n"
	     ".SH DESCRIPTION\n"
	     "Spillway is a BitTorrent seeder. The daemon\n.BR spillwayd (8)\n"
	     "runs it; this command tells the daemon what to seed and shows what happens,\n"
	     "over a unix socket in the daemon's run_dir.\n.PP");
	puts("A torrent is named by its info hash, the first 8 or more digits, its name, or\n"
	     "the beginning of its name.\n"
	     ".SH OPTIONS\nBefore or after the command:\n"
	     ".TP\n\\fB\\-\\-run\\-dir\\fR \\fIDIR\\fR\nwhere spillwayd has its sockets\n"
	     "[/run/spillway]\n"
	     ".TP\n\\fB\\-\\-json\\fR\nprint JSON, an object a line\n"
	     ".TP\n\\fB\\-\\-help\\fR\nafter a command: all about it\n"
	     ".TP\n\\fB\\-\\-version\\fR\nprint the version\n"
	     ".SH COMMANDS");
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (!cli_commands[i]->hidden)
			command_print(cli_commands[i]);
	puts(".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nrefused or failed\n.TP\n2\nwrong usage\n"
	     ".TP\n3\nspillwayd cannot be reached\n"
	     ".SH FILES\n.TP\n/run/spillway/control.sock\nwhere the daemon listens\n"
	     ".SH SEE ALSO\n.BR spillwayd (8)");
	return CLI_DONE;
}

const struct cli_command cli_command_man = {
	.name = "man",
	.usage = "",
	.help = "print the manual page, in roff",
	.more = "",
	.hidden = true,
	.run = man,
};
