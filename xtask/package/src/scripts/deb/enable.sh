# With the tools of Debian, which remember what the administrator disabled, and also work on a system that does not run.
enable_service() {
    if is_managed; then return 0; fi
    if [ -n "$root" ]; then
        # The tools of the other system may be too old to know of DPKG_ROOT.
        if [ "$1" = first ] && command -v systemctl >/dev/null 2>&1; then
            systemctl --root="$root" enable "$unit" >/dev/null 2>&1 || warn "$unit could not be enabled"
        fi
        return 0
    fi
    if command -v deb-systemd-helper >/dev/null 2>&1; then
        # True also when it was never installed.
        if deb-systemd-helper --quiet was-enabled "$unit"; then
            deb-systemd-helper enable "$unit" >/dev/null || warn "$unit could not be enabled"
        else
            deb-systemd-helper update-state "$unit" >/dev/null || true
        fi
    elif [ "$1" = first ] && command -v systemctl >/dev/null 2>&1; then
        systemctl enable "$unit" >/dev/null 2>&1 || warn "$unit could not be enabled"
    fi
    # For init, as the packages of the Python agent did; links that are there stay as they are.
    if [ -x "/etc/init.d/$service" ] && command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d "$service" defaults 98 02 >/dev/null || warn "the links of init could not be made"
    fi
}
