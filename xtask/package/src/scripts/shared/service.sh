# systemd runs this system, and can be told to do something.
systemd_runs() { [ -z "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# What cannot be done to a service is told, and ends no installation.
have_systemd() { systemctl "$@" || warn "\`systemctl $*\` failed; \`systemctl status $service\` tells more"; }

reload_units() { if systemd_runs; then have_systemd daemon-reload; fi; }

# `systemctl mask`, also on a system that does not run.
is_masked() { [ "$(readlink "$root/etc/systemd/system/$unit" 2>/dev/null)" = /dev/null ]; }

# A unit of the administrator starts the agent (`scalyr-agent-2-config --systemd-managed`): whether it is enabled, and what
# starts at boot, is not for a package to say. Its unit wins over that of the package, and one of the Python agent starts
# /usr/share/scalyr-agent-2/bin/scalyr-agent-2, which leads to the same program.
is_managed() { [ -e "$etc/systemd_managed" ]; }

# What systemctl says, or `nothing`: enabled, disabled, masked, generated, ...
enabled_state() {
    state=
    if [ -z "$root" ] && command -v systemctl >/dev/null 2>&1; then
        state=$(systemctl is-enabled "$unit" 2>/dev/null) || true
    fi
    say "${state:-nothing}"
}

# An image in the making (`rpm --root`, `dnf --installroot`, chroot): what is started there would be of the host that makes it.
# SYSTEMD_IGNORE_CHROOT is systemd's word for those who know better.
is_image() {
    case ${SYSTEMD_IGNORE_CHROOT:-} in 1 | y | yes | t | true | on) return 1 ;; esac
    [ "$(stat -Lc %d:%i /proc/1/root 2>/dev/null || true)" != "$(stat -Lc %d:%i / 2>/dev/null || true)" ]
}

# Debian's way to tell that nothing is to be started or stopped here, as in the making of an image.
policy_allows() {
    [ -z "$root" ] || return 1
    [ -x /usr/sbin/policy-rc.d ] || return 0
    answer=0
    /usr/sbin/policy-rc.d "$service" "$1" >/dev/null 2>&1 || answer=$?
    [ "$answer" -ne 101 ]
}

agent_runs() { has_program && "$program" status >/dev/null 2>&1; }

# Also when none runs: systemd may be about to start it again.
stop_unit() {
    if systemd_runs && ! is_masked; then systemctl stop "$unit" >/dev/null 2>&1 || true; fi
}

# Stops it, whoever started it. What runs goes on from where it was after the next start.
stop_agent() {
    policy_allows stop || return 0
    stop_unit
    if agent_runs; then
        "$program" stop --quiet </dev/null || warn 'the agent still runs; it was not stopped'
    fi
}

# True when it runs then.
start_agent() {
    if systemd_runs; then
        systemctl start "$unit" || true
    else
        "$program" start --quiet --no-check-remote-server </dev/null || true
    fi
    agent_runs
}
