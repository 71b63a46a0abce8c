# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for bash. Verbs and options are those that the program itself tells, so that the two cannot drift apart.

_machinist_verbs() {
    command machinist --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'
}

_machinist_options() {
    command "$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]*=?' | sort -u
}

_machinist_machines() {
    command machinist list --no-legend --max-addresses=0 2>/dev/null | awk '{ print $1 }'
}

_machinist_images() {
    command machinist list-images --all --no-legend 2>/dev/null | awk '{ print $1 }'
}

_machinist_recipes() {
    command machinist build --list --no-legend 2>/dev/null | awk '{ print $1 }'
}

# The verb, wherever options stand before it.
_machinist_verb() {
    local at
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        -o | -p | -P | -s | -n | -H | -M | -E | --output | --property | --signal | --lines | --host | --machine | --setenv) ((at++)) ;;
        -* | =) ;;
        *)
            printf '%s\n' "${COMP_WORDS[at]}"
            return
            ;;
        esac
    done
}

# What an option can be; nothing for those that can be anything.
_machinist_values() { # OPTION
    case $1 in
    -o | --output) echo short json json-pretty ;;
    -s | --signal) command machinist kill --signal=list 2>/dev/null ;;
    --kill-whom) echo leader supervisor all ;;
    --for) echo running ready removed exec= ;;
    --then) echo terminate ;;
    --runner) echo machinist nspawn vmspawn ;;
    --max-addresses) echo all ;;
    --owner) echo caller root ;;
    -M | --machine) _machinist_machines ;;
    -p | -P | --property) command machinist show --all .host 2>/dev/null | sed 's/=.*//' ;;
    esac
}

_machinist_links() { # OPTION: what of the host's network it can mean
    local link
    for link in /sys/class/net/*; do
        link=${link##*/}
        case $1 in
        --network-bridge) [[ -d /sys/class/net/$link/bridge ]] && echo "$link" ;;
        --network-zone) [[ $link == vz-* ]] && echo "${link#vz-}" ;;
        --network-interface | --network-macvlan | --network-ipvlan) echo "$link" ;;
        esac
    done
}

_machinist_devices() {
    command machinist list-devices --no-legend 2>/dev/null | awk '{ print $1 }'
}

# Sets "typed" to what there is of the option's value; "=" and ":" in it are words of their own here.
_machinist_typed_for() { # OPTION
    local at word is_separated=yes
    typed=
    for ((at = COMP_CWORD; at > 0; at--)); do
        word=${COMP_WORDS[at]}
        if [[ $word == "$1" ]]; then
            typed=${typed#=}
            return 0
        elif [[ $word == [=:] ]]; then
            is_separated=yes
        elif [[ $is_separated ]]; then
            is_separated=
        else
            return 1
        fi
        typed=$word$typed
    done
    return 1
}

_machinist_device_names() { # TYPED
    local name
    for name in $(_machinist_devices); do
        [[ $name == "$1"* ]] && COMPREPLY+=("${name#"${1%"${1##*[=:]}"}"}")
    done
}

_machinist_words() { # WORDS: those that begin as the current one
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_machinist_files() {
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
}

_machinist() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb typed
    verb=$(_machinist_verb)
    COMPREPLY=()
    compopt +o nospace 2>/dev/null
    [[ ${COMP_WORDS[0]##*/} == systemd-nspawn ]] && verb=run
    # "--output=json" comes as three words.
    if [[ $current == '=' ]]; then
        current=
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $before == -* && $verb != run ]]; then
        _machinist_words "$(_machinist_values "$before")"
        ((${#COMPREPLY[@]})) && return
    fi
    if [[ $verb == run ]] && _machinist_typed_for --device; then
        _machinist_device_names "$typed"
        _machinist_files
        return
    fi
    if [[ $before == --network-* && $verb == run ]]; then
        _machinist_words "$(_machinist_links "$before")"
        ((${#COMPREPLY[@]})) && return
    fi
    if [[ $current == -* ]]; then
        if [[ $verb == run ]]; then
            _machinist_words "$(_machinist_options machinist run)"
        else
            _machinist_words "$(_machinist_options machinist)"
        fi
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
        return
    fi
    case $verb in
    '') _machinist_words "$(_machinist_verbs)" ;;
    list | list-devices | list-images | list-transfers | clean | gc | monitor | help | version) ;;
    run | import | import-* | pull-*) _machinist_files ;;
    start | enable | disable | image-status | show-image | clone | rename | read-only | remove | set-limit | check | edit | cat | verify | export-*)
        _machinist_words "$(_machinist_images)"
        [[ $verb == start && " ${COMP_WORDS[*]} " == *' --user '* ]] && _machinist_files
        ;;
    build)
        _machinist_words "$(_machinist_recipes)"
        _machinist_files
        ;;
    diff) _machinist_words "$(_machinist_machines) $(_machinist_images)" ;;
    snapshot) _machinist_words "create list restore remove $(_machinist_images)" ;;
    port) _machinist_words "list add remove $(_machinist_machines)" ;;
    device)
        if [[ $current == /* ]]; then
            _machinist_files
        else
            _machinist_words "list add remove $(_machinist_machines)"
        fi
        ;;
    doctor) _machinist_words "net $(_machinist_machines)" ;;
    shell | login) _machinist_words ".host $(_machinist_machines)" ;;
    bind-volume | unbind-volume)
        if [[ $before == "$verb" ]]; then
            _machinist_words "$(_machinist_machines)"
        else
            _machinist_words "$(cd /run/systemd/io.systemd.StorageProvider 2>/dev/null && printf '%s:\n' *)"
            compopt -o nospace 2>/dev/null
        fi
        ;;
    bind | copy-to | copy-from | exec)
        if [[ $before == "$verb" ]]; then
            _machinist_words "$(_machinist_machines)"
        else
            _machinist_files
        fi
        ;;
    *) _machinist_words "$(_machinist_machines)" ;;
    esac
}

complete -F _machinist machinist
