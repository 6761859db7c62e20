/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The manual page spillwayd(8), made of the option table. */
#include "control/options/options_table.h"
#include "control/base/roff.h"

static void
row_print(const struct option_row *row, FILE *out)
{
	char bounds[OPTION_BOUNDS_MAX];

	options_row_bounds(row, bounds);
	fputs(".TP\n\\fB", out);
	roff_text(out, row->name);
	fputs("\\fR\n", out);
	roff_text(out, row->help);
	fputs(".\n", out);
	if (bounds[0] != '\0') {
		fputs("Allowed: ", out);
		roff_text(out, bounds);
		fputs(".\n", out);
	}
	fputs("Default: ", out);
	roff_text(out, row->preset[0] != '\0' ? row->preset : "empty");
	fprintf(out, "%s.\n", row->scope == LIVE ? "; live" : "");
}

static void
intro_print(FILE *out)
{
	roff_title(out, "SPILLWAYD", "8", "System Administration");
	fputs(".SH NAME\nspillwayd \\- BitTorrent seeder that bypasses the kernel\n"
	      ".SH SYNOPSIS\n.B spillwayd\n"
	      "[\\fB\\-\\-config\\fR \\fIFILE\\fR] [\\fB\\-\\-\\fIOPTION VALUE\\fR ...]\n"
	      ".SH DESCRIPTION\n"
	      "Seeds the torrents of its catalogue. It starts and watches the dataplane,\n"
	      "spillway\\-dp, which serves the peers and goes on doing so while spillwayd is\n"
	      "away. The command\n.BR spillway (1)\ntells it what to seed.\n"
	      ".SH OPTIONS\n"
	      "Each may stand in the file of \\fB\\-\\-config\\fR as a line\n"
	      "\\(lqoption: value\\(rq, and on the command line, which wins, as\n"
	      "\\fB\\-\\-option\\fR \\fIvalue\\fR with \\- between its words.\n"
	      "What is marked live takes effect when the file is read again, the rest when\n"
	      "spillwayd is started again.\n"
	      ".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\nread options from this file\n"
	      ".TP\n\\fB\\-\\-print\\-config\\fR\nprint the configuration as such a file, and end\n"
	      ".TP\n\\fB\\-\\-no\\-huge\\fR\nsame as \\-\\-huge no\n"
	      ".PP\nThe options:\n",
	      out);
}

void
options_man(FILE *out)
{
	intro_print(out);
	for (size_t i = 0; i < option_row_cnt; i++)
		row_print(&option_rows[i], out);
	fputs(".SH SIGNALS\n.TP\nTERM, INT\nstop the dataplane and end\n"
	      ".TP\nQUIT\nend and leave the dataplane serving\n"
	      ".TP\nHUP\nread the configuration again\n"
	      ".SH EXIT STATUS\n.TP\n0\nended as asked\n.TP\n1\nfailed; the last line says why\n"
	      ".TP\n2\nwrong options\n"
	      ".SH FILES\n.TP\n/var/lib/spillway\nthe catalogue\n"
	      ".TP\n/run/spillway\nsockets, lock and the dataplane's log\n"
	      ".SH SEE ALSO\n.BR spillway (1)\n",
	      out);
}
