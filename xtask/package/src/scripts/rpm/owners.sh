# rpm gives the folders of a package to root again with each upgrade. An agent that runs as another user (`--set-user`) keeps
# what it owns.
owned="$config $etc/agent.d $logs $data"

note_owners() {
    make_notes || return 0
    (for path in $owned; do
        # Through no link: what it leads to is nothing that rpm changes.
        if [ -e "$path" ] && [ ! -h "$path" ]; then stat -c '%u:%g %n' "$path"; fi
    done >"$notes/owners") 2>/dev/null || true
}

restore_owners() {
    [ -r "$notes/owners" ] || return 0
    while read -r owner path; do
        case $owner in 0:0) continue ;; esac
        if [ -e "$path" ] && [ ! -h "$path" ]; then
            chown -h "$owner" "$path" || warn "$path could not be given back to its owner $owner"
        fi
    done <"$notes/owners"
    forget owners
}
