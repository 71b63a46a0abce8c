# SPDX-License-Identifier: LGPL-2.1-or-later
# Steps that say what they do, how far they are and how long they took; what they print goes to a log.
# shellcheck shell=bash

# The caller names the log; a step that fails shows its end.
progress_log=${progress_log:-/dev/null}
progress_step_number=0
progress_step_count=${progress_step_count:-0}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

seconds_since() { # START, as of $EPOCHREALTIME: "12.3"
    local now=${EPOCHREALTIME/[.,]/} start=${1/[.,]/}
    local tenths=$(((now - start) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

announce() { # SENTENCE: the next numbered step
    progress_step_number=$((progress_step_number + 1))
    if ((progress_step_count)); then
        printf '[%d/%d] %s\n' "$progress_step_number" "$progress_step_count" "$*"
    else
        printf '== %s\n' "$*"
    fi
}

# The last line of a log as far as a person wants it: no carriage returns, no escape sequences, one screen line.
last_line_of() { # FILE
    tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | sed -e 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | grep -a '[^[:space:]]' | tail -n 1 |
        tr -cd '[:print:]' | cut -c1-100
}

# Runs COMMAND with its output in the log. On a terminal one line shows the newest output; elsewhere a line comes
# every ten seconds, so that nobody believes it hangs.
working() { # COMMAND [ARGUMENT...]
    local start=$EPOCHREALTIME status=0 ticks=0
    set -m # a process group of its own, so that stop_working reaches all of it
    "$@" >>"$progress_log" 2>&1 </dev/null &
    progress_child=$!
    set +m
    while kill -0 "$progress_child" 2>/dev/null; do
        sleep 0.1
        ticks=$((ticks + 1))
        if [[ -t 1 ]]; then
            ((ticks % 5)) || printf '\r\e[K      %s s  %s' "$(seconds_since "$start")" "$(last_line_of "$progress_log")"
        elif ((ticks % 100 == 0)); then
            printf '      %s s  %s\n' "$(seconds_since "$start")" "$(last_line_of "$progress_log")"
        fi
    done
    wait "$progress_child" || status=$?
    progress_child=
    [[ -t 1 ]] && printf '\r\e[K'
    if ((status)); then
        printf '      failed after %s s; the end of %s:\n' "$(seconds_since "$start")" "$progress_log" >&2
        tail -n 40 "$progress_log" | sed 's/^/      | /' >&2
        return "$status"
    fi
    printf '      done in %s s\n' "$(seconds_since "$start")"
}

# For the caller's traps: what `working` started must not outlive it.
stop_working() {
    [[ -n ${progress_child:-} ]] || return 0
    kill -TERM -- "-$progress_child" 2>/dev/null
    wait "$progress_child" 2>/dev/null
    progress_child=
}
