# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for fish. The options are those that the program itself tells, so that the two cannot drift apart.

set -l verbs run list show status exec shell login bind unbind copy-to copy-from wait poweroff reboot terminate kill gc doctor help \
    list-images image-status show-image start build clone rename read-only remove set-limit clean snapshot diff commit check \
    import import-tar import-raw import-fs export-tar export-raw export-oci pull-tar pull-raw pull-oci list-transfers cancel-transfer edit cat

function __machinist_options
    command machinist $argv --help 2>/dev/null | string match -rag -- '--[a-z][a-z0-9-]*' | sort -u
end

set -l image_verbs export-tar export-raw export-oci image-status show-image start clone rename read-only remove set-limit diff check edit cat

complete -c machinist -n "not __fish_seen_subcommand_from $verbs" -f -a "$verbs"
complete -c machinist -n "__fish_seen_subcommand_from run" -a "(__machinist_options run)"
complete -c machinist -n "__fish_seen_subcommand_from $image_verbs" -f \
    -a "(command machinist list-images --all --no-legend 2>/dev/null | string match -r '^\S+')"
complete -c machinist -n "__fish_seen_subcommand_from build" -a "(command machinist build --list --no-legend 2>/dev/null | string match -r '^\S+')"
complete -c machinist -n "__fish_seen_subcommand_from $verbs; and not __fish_seen_subcommand_from run build $image_verbs" -f \
    -a "(command machinist list --no-legend 2>/dev/null | string match -r '^\S+')"
complete -c machinist -n "__fish_seen_subcommand_from $verbs; and not __fish_seen_subcommand_from run" -f -a "(__machinist_options)"
