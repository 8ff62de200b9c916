case ${1:-} in
    remove)
        reload_units
        forget_all
        ;;
    purge)
        forget_all
        # Another package of the agent has taken the place, and all of this is its.
        if [ -e "$root$program" ] || [ -h "$root$program" ]; then exit 0; fi
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
