# Another package of the agent has taken the place.
is_replaced() { [ -e "$root$program" ] || [ -h "$root$program" ]; }

# That process runs a program of ours that was deleted. In a chroot its path is that from outside.
is_left_over() {
    case $(readlink "/proc/$1/exe" 2>/dev/null) in *"$program (deleted)") return 0 ;; esac
    return 1
}

# After an upgrade that was only unpacked, dpkg removes a package without a word to it: the agent runs on, and its program
# is gone.
stop_left_over() {
    policy_allows stop || return 0
    stop_unit
    pid=
    if [ -f "$logs/agent.pid" ]; then read -r pid <"$logs/agent.pid" || true; fi
    case $pid in '' | *[!0-9]*) return 0 ;; esac
    left=30
    while is_left_over "$pid"; do
        if [ "$left" -eq 0 ]; then
            warn "the agent still runs (process $pid); it was not stopped"
            return 0
        fi
        if [ "$left" -eq 30 ]; then kill "$pid" || true; fi
        left=$((left - 1))
        sleep 1
    done
}

case ${1:-} in
    remove)
        if is_replaced; then
            # The other one is configured after this: what its preinst set aside and noted is its own.
            forget stopped
        else
            # One that was only unpacked, as where its dependencies are not met, still has the user's files set aside.
            put_back undone
            stop_left_over
            forget_all
        fi
        reload_units
        ;;
    purge)
        forget stopped
        # All of this belongs to the other one.
        if is_replaced; then exit 0; fi
        if [ -n "$root" ]; then
            rm -f "$root/etc/systemd/system/multi-user.target.wants/$unit"
        else
            if command -v deb-systemd-helper >/dev/null 2>&1; then
                deb-systemd-helper purge "$unit" >/dev/null || true
            fi
            if command -v update-rc.d >/dev/null 2>&1; then update-rc.d "$service" remove >/dev/null || true; fi
        fi
        # What lies elsewhere (agent_log_path, agent_data_path) is the user's.
        rm -rf "$data" "$logs" "$etc" || warn 'something of the agent could not be removed'
        reload_units
        ;;
    abort-install | abort-upgrade)
        put_back undone
        # No more: a package whose place this one would have taken has noted that its agent is to run again, and reads that
        # after this.
        forget first
        ;;
    upgrade | failed-upgrade | disappear) ;;
esac
