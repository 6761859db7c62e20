# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
#
# Completion of spillway for fish: to be put into its folder of completions.
complete -c spillway -a '(COMP_LINE=(commandline -cp) spillway complete 2>/dev/null)'
