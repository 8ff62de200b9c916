# Where things are. With `dpkg --force-script-chrootless` this script works on another system than the one that it runs on,
# and must touch nothing else.
root=${DPKG_ROOT:-}
package='@PACKAGE@'
service=scalyr-agent-2
unit=scalyr-agent-2.service
program=/usr/sbin/scalyr-agent-2
etc=$root/etc/scalyr-agent-2
config=$etc/agent.json
logs=$root/var/log/scalyr-agent-2
data=$root/var/lib/scalyr-agent-2
# What one script tells the next. Gone after a restart of the host, when all of it is settled anyway.
notes=$root/run/scalyr-agent-2.package

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$package: $*" >&2; }

# A note that cannot be written, on a full disk, must not end the installation.
note() {
    if make_notes; then (: >"$notes/$1") 2>/dev/null || true; fi
}
make_notes() { mkdir -p "$notes" 2>/dev/null && chmod 0700 "$notes" 2>/dev/null; }
noted() { [ -e "$notes/$1" ]; }
forget() {
    rm -f "$notes/$1" 2>/dev/null || true
    rmdir "$notes" 2>/dev/null || true
}
forget_all() { rm -rf "$notes" 2>/dev/null || true; }

# The program can be asked and told things: it is there, and runs on this very system.
has_program() { [ -z "$root" ] && [ -x "$program" ]; }
