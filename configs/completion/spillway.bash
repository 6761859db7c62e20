# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
#
# Completion of spillway for bash: to be sourced, or put into bash-completion's folder.
complete -o bashdefault -o default -C 'spillway complete' spillway
