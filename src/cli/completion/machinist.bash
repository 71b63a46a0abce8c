# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for bash. The options are those that the program itself tells, so that the two cannot drift apart.

_machinist_options() {
    command "$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]*=?' | sort -u
}

_machinist_machines() {
    command machinist list --no-legend 2>/dev/null | awk '{ print $1 }'
}

_machinist_images() {
    command machinist list-images --all --no-legend 2>/dev/null | awk '{ print $1 }'
}

_machinist_recipes() {
    command machinist build --list --no-legend 2>/dev/null | awk '{ print $1 }'
}

_machinist() {
    local current=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
    local verbs='run list show status exec shell login bind unbind copy-to copy-from wait poweroff reboot terminate kill list-images image-status show-image start build clone rename read-only remove set-limit clean snapshot diff commit check import import-tar import-raw import-fs export-tar export-raw export-oci pull-tar pull-raw pull-oci list-transfers cancel-transfer edit cat gc doctor help'
    compopt +o nospace
    if [[ ${COMP_WORDS[0]##*/} == systemd-nspawn ]]; then
        verb=run
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$current")
        return
    fi
    if [[ $current == -* ]]; then
        if [[ $verb == run ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$(_machinist_options machinist run)" -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_machinist_options machinist)" -- "$current")
        fi
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
        return
    fi
    case $verb in
    image-status | show-image | start | clone | rename | read-only | remove | set-limit | diff | check | edit | cat)
        mapfile -t COMPREPLY < <(compgen -W "$(_machinist_images)" -- "$current")
        ;;
    build)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(_machinist_recipes)" -- "$current")
        ;;
    snapshot) mapfile -t COMPREPLY < <(compgen -W "create list restore remove $(_machinist_images)" -- "$current") ;;
    export-tar | export-raw | export-oci)
        if ((COMP_CWORD > 2)); then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_machinist_images)" -- "$current")
        fi
        ;;
    import | import-tar | import-raw | import-fs) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    pull-tar | pull-raw | pull-oci) ;;
    run) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    bind | copy-to | copy-from)
        if ((COMP_CWORD > 2)); then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_machinist_machines)" -- "$current")
        fi
        ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(_machinist_machines)" -- "$current") ;;
    esac
}

complete -F _machinist machinist
