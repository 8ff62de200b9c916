# The administrator's own presets are followed; those of a distribution, which leave all that is not its own disabled, are not.
# What was disabled before stays so.
enable_service() {
    if is_managed || is_masked || noted disabled; then return 0; fi
    if command -v systemctl >/dev/null 2>&1; then
        if grep -Eqs '^[[:space:]]*disable' /etc/systemd/system-preset/*.preset; then
            systemctl preset "$unit" >/dev/null 2>&1 || warn "$unit could not be enabled as the presets say"
        else
            systemctl enable "$unit" >/dev/null 2>&1 || warn "$unit could not be enabled"
        fi
    elif command -v chkconfig >/dev/null 2>&1; then
        chkconfig --add "$service" || warn 'chkconfig could not add the service'
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d "$service" defaults 98 02 >/dev/null || warn 'the links of init could not be made'
    else
        warn 'neither systemctl nor chkconfig nor update-rc.d is here: nothing starts the agent with the host'
    fi
}

disable_service() {
    if is_managed; then return 0; fi
    if command -v systemctl >/dev/null 2>&1; then
        systemctl --no-reload disable "$unit" >/dev/null 2>&1 || true
    fi
    # Also behind systemctl, which switches the links of init off and leaves them: the agent that comes next, the Python agent
    # for one, would keep them, and not start with the host.
    if command -v chkconfig >/dev/null 2>&1; then
        chkconfig --del "$service" >/dev/null 2>&1 || true
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d -f "$service" remove >/dev/null 2>&1 || true
    fi
}
