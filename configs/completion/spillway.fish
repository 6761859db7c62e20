# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
#
# Completion of spillway for fish: to be put into its folder of completions.
function __spillway_complete
    set -l found (COMP_LINE=(commandline -cp) spillway complete 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c spillway -f -a '(__spillway_complete)'
