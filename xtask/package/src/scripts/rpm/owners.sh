# rpm gives the folders of a package to root again with each upgrade. An agent that runs as another user (`--set-user`) keeps
# what it owns.
owned="$config $etc/agent.d $logs $data"

note_owners() {
    make_notes || return 0
    (for path in $owned; do
        # rpm gives away what a link leads to as well.
        if [ -e "$path" ]; then stat -Lc '%u:%g %n' "$path"; fi
    done >"$notes/owners") 2>/dev/null || true
}

# Whether only root can say where a path leads.
is_led_by_root() {
    above=$(readlink -f "$1") || return 1
    while [ "$above" != / ]; do
        above=${above%/*}
        above=${above:-/}
        case $(stat -c '%u %A' "$above") in 0\ d????-??-*) ;; *) return 1 ;; esac
    done
}

restore_owners() {
    [ -r "$notes/owners" ] || return 0
    while read -r owner path; do
        case $owner in 0:0) continue ;; esac
        if [ ! -e "$path" ]; then continue; fi
        if [ ! -h "$path" ]; then
            chown -h "$owner" "$path" || warn "$path could not be given back to its owner $owner"
        elif ! is_led_by_root "$path" || ! chown "$owner" "$path"; then
            warn "$path leads to $(readlink -f "$path"), which belonged to $owner; to give it back: chown $owner $path"
        fi
    done <"$notes/owners"
    forget owners
}
