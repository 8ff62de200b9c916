# The monitors in this package.
included='
@MONITORS@
'

# Which of the monitors that run now this package lacks, a line each.
lost_monitors() {
    has_program || return 0
    # That of the Python agent is a link. It does not know the option, and would leave byte code where dpkg has just removed it:
    # what it had is told of after the installation.
    [ ! -h "$program" ] || return 0
    [ -e "$config" ] || return 0
    configured=$("$program" monitors --configured -c "$config" </dev/null 2>/dev/null) || return 0
    printf '%s\n' "$configured" | while IFS= read -r monitor; do
        case $included in *"
$monitor
"*) continue ;; esac
        # What the installed program does not have either is not lost by this.
        if [ -n "$monitor" ] && "$program" monitors "$monitor" </dev/null >/dev/null 2>&1; then
            printf '%s\n' "$monitor"
        fi
    done
}

# Refuses the installation when something would stop to be measured by it.
keep_monitors() {
    lost=$(lost_monitors) || lost=
    [ -n "$lost" ] || return 0
    lost=$(printf '%s\n' "$lost" | tr '\n' ' ')
    if [ "${SCALYR_AGENT_ALLOW_LOST_MONITORS:-}" = 1 ]; then
        warn "is installed although it lacks monitors that $config names: $lost"
        return 0
    fi
    warn "is not installed, and nothing was changed: $config names monitors that the installed agent has and this
package lacks: $lost

Ways on:
  build a package that has them             cargo xtask package, in a checkout with these monitors in local-monitors/
  keep the installed package                nothing to do; \`@HOLD@ $package\` keeps upgrades from trying
  do without them                           remove their entries from \`monitors\`, and install again
  lose them for now, and install all the same
                                            SCALYR_AGENT_ALLOW_LOST_MONITORS=1 in front of the command (behind sudo)"
    return 1
}
