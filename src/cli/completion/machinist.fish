# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for fish. Verbs and options are those that the program itself tells, so that the two cannot drift apart.

function __machinist_verbs
    command machinist --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'
end

function __machinist_options
    command machinist $argv --help 2>/dev/null | string match -rag -- '(--[a-z][a-z0-9-]*)' | sort -u
end

function __machinist_machines
    command machinist list --no-legend --max-addresses=0 2>/dev/null | string match -r '^\S+'
end

function __machinist_images
    command machinist list-images --all --no-legend 2>/dev/null | string match -r '^\S+'
end

# The verb on the command line so far; fails if there is none.
function __machinist_verb
    for word in (commandline -opc)[2..-1]
        if not string match -q -- '-*' $word
            echo $word
            return 0
        end
    end
    return 1
end

function __machinist_verb_in
    contains -- (__machinist_verb; or echo none) $argv
end

function __machinist_verb_not_in
    set -l verb (__machinist_verb); or return 1
    not contains -- $verb $argv
end

set -l alone list list-devices list-images list-transfers clean gc monitor help version
set -l of_files run import import-tar import-raw import-fs pull-tar pull-raw pull-oci
set -l of_images start enable disable image-status show-image clone rename read-only remove set-limit diff check edit cat verify snapshot export-tar export-raw export-oci

complete -c machinist -n "not __machinist_verb" -f -a "(__machinist_verbs)"
complete -c machinist -n "__machinist_verb_in run" -a "(__machinist_options run)"
complete -c machinist -n "__machinist_verb_not_in run" -f -a "(__machinist_options)"
complete -c machinist -n "not __machinist_verb" -f -a "(__machinist_options)"
complete -c machinist -n "__machinist_verb_in $alone" -f
complete -c machinist -n "__machinist_verb_in $of_images" -f -a "(__machinist_images)"
complete -c machinist -n "__machinist_verb_in snapshot" -f -a "create list restore remove"
complete -c machinist -n "__machinist_verb_in port" -f -a "list add remove"
complete -c machinist -n "__machinist_verb_in device" -a "list add remove"
complete -c machinist -n "__machinist_verb_in doctor" -f -a net
complete -c machinist -n "__machinist_verb_in build" -a "(command machinist build --list --no-legend 2>/dev/null | string match -r '^\S+')"
complete -c machinist -n "__machinist_verb_in shell login" -f -a ".host"
complete -c machinist -n "__machinist_verb_in diff" -f -a "(__machinist_machines)"
complete -c machinist -n "__machinist_verb_not_in build $alone $of_files $of_images" -f -a "(__machinist_machines)"
complete -c machinist -n "__machinist_verb_in bind-volume unbind-volume" -f -a "(path basename /run/systemd/io.systemd.StorageProvider/* | string replace -r '\$' ':')"
complete -c machinist -n "__machinist_verb_in bind copy-to copy-from exec" -F
complete -c machinist -n "__machinist_verb_not_in run" -s o -l output -x -a "short json json-pretty"
complete -c machinist -n "__machinist_verb_in kill" -s s -l signal -x -a "(command machinist kill --signal=list 2>/dev/null)"
complete -c machinist -n "__machinist_verb_in kill" -l kill-whom -x -a "leader supervisor all"
complete -c machinist -n "__machinist_verb_in wait" -l for -x -a "running ready removed exec="
complete -c machinist -n "__machinist_verb_in start; and contains -- --user (commandline -opc)" -F
complete -c machinist -n "__machinist_verb_in start enable disable" -l runner -x -a "machinist nspawn vmspawn"
complete -c machinist -n "__machinist_verb_in run" -l device -r -F -a "(command machinist list-devices --no-legend 2>/dev/null | string match -r '^\S+')"
complete -c machinist -n "__machinist_verb_in run" -l network-bridge -x -a "(path dirname /sys/class/net/*/bridge | path basename)"
complete -c machinist -n "__machinist_verb_in run" -l network-zone -x -a "(path basename /sys/class/net/vz-* | string replace vz- '')"
for option in network-interface network-macvlan network-ipvlan
    complete -c machinist -n "__machinist_verb_in run" -l $option -x -a "(command ls /sys/class/net)"
end
