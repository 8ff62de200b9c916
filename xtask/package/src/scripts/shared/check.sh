# What the program says about the configuration, in one word: well, starts (it has errors, and an agent runs without what they
# are about), no-key, broken (none starts).
verdict() { "$program" check --format verdict </dev/null 2>/dev/null || true; }

# The problems, each in a line, and at the end how many.
problems() { "$program" check </dev/null 2>&1 | sed 's/^/  /' || true; }

how_to_start() {
    if systemd_runs; then say "systemctl start $service"; else say 'scalyr-agent-2 start'; fi
}

# The agent runs as the owner of its configuration, and reads all of agent.d: what the package brought there is the owner's, too.
# The program does it, which follows no link on the way.
give_to_owner() {
    if [ ! -f "$config" ] || [ -h "$config" ] || ! has_program; then return 0; fi
    owner=$(stat -c %U "$config" 2>/dev/null) || return 0
    case $owner in root | UNKNOWN) return 0 ;; esac
    "$program-config" --set-user "$owner" </dev/null >/dev/null 2>&1 ||
        warn "the agent runs as $owner, who may not be able to read all of it; then: scalyr-agent-2-config --set-user $owner"
}

# Repairs who may read what: the configuration holds the api key. A folder that was given to another user (`--set-user`) is that
# user's, who could put a link in the place of a file while root looks at it.
repair_modes() {
    if is_of_root "$etc" && [ -e "$config" ]; then
        chmod o-rwx "$config" 2>/dev/null || warn "$config: its mode cannot be changed"
    fi
    fragments=$etc/agent.d
    if is_of_root "$etc" && is_of_root "$fragments"; then
        chmod g=rx,o=x "$fragments" 2>/dev/null || warn "$fragments: its mode cannot be changed"
        find "$fragments" -maxdepth 1 -type f -name '*.json' -exec chmod o-rwx {} + 2>/dev/null ||
            warn "$fragments: the mode of a file in it cannot be changed"
    fi
}

is_of_root() { [ -d "$1" ] && [ ! -h "$1" ] && [ "$(stat -c %u "$1" 2>/dev/null)" = 0 ]; }
