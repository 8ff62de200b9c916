# After the first installation: starts the agent when it has a key. Whoever has disabled or masked it, means it.
begin() {
    [ -z "$root" ] || return 0
    word=$(verdict)
    case $word in
        well | starts) ;;
        no-key) tell_how_to_begin; return 0 ;;
        *)
            warn "the agent is not started: it cannot run with $config:"
            problems >&2
            warn "mend that (\`scalyr-agent-2 check\` looks again), then: $(how_to_start)"
            return 0
            ;;
    esac
    if is_masked; then
        warn "$unit is masked, so the agent is not started; to allow it: systemctl unmask $service"
        return 0
    fi
    if noted disabled || [ "$(enabled_state)" = disabled ]; then
        say "The service $service is disabled, so the agent is not started. To start it: $(how_to_start)"
        return 0
    fi
    if is_image; then
        say "This is a root inside of another system, so the agent is not started. To start it, on a host: $(how_to_start)"
        return 0
    fi
    if ! policy_allows start; then
        say "The agent is not started, as /usr/sbin/policy-rc.d wants it. To start it: $(how_to_start)"
        return 0
    fi
    if [ "$word" = starts ]; then
        warn "the agent runs without what is wrong in $config:"
        problems >&2
    fi
    if start_agent; then
        say 'The Scalyr agent runs; `scalyr-agent-2 status -v` tells how it is.'
    else
        warn "the agent could not be started, for the reason above. Then: $(how_to_start)"
    fi
}

tell_how_to_begin() {
    # As rpm leaves it when a package goes whose configuration was edited.
    if [ -e "$config.rpmsave" ]; then
        say "The configuration of before is $config.rpmsave; to go on with it: mv $config.rpmsave $config"
    fi
    say "The Scalyr agent is installed, and not started yet: it needs an api key (\"Log Write Access\") of your account.

  scalyr-agent-2-config --set-key-from-stdin     asks for the key and writes it into $config
  scalyr-agent-2 check --connect                 tells whether all is well, and the server takes the key
  $(how_to_start)

What is copied and measured stands in $config, with a word on each; man scalyr-agent-2 tells the rest."
}

# After an upgrade: an agent that runs gives way to the new program, if that is content with the configuration.
renew() {
    if ! agent_runs; then
        # A drop-in may name another configuration (`-c`), of which nothing is known here.
        if systemd_runs && systemctl is-active --quiet "$unit"; then
            warn "the agent that $unit runs was not restarted: it is not the one of $config; then: systemctl restart $service"
        fi
        return 0
    fi
    word=$(verdict)
    if [ "$word" = no-key ] && systemd_runs && systemctl is-active --quiet "$unit"; then
        # One that runs has a key: systemd hands it over, by a drop-in (LoadCredential=, Environment=).
        word=$(SCALYR_API_KEY=handed-over-by-systemd verdict)
        by_systemd=yes
    else
        by_systemd=no
    fi
    if [ "$word" != well ]; then
        warn "the agent was not restarted: the old one goes on with the configuration that it has read before.
The new one finds this wrong:"
        problems >&2
        warn "mend that (\`scalyr-agent-2 check\` looks again), then: scalyr-agent-2 restart
$(if [ "$word" = starts ]; then
            say 'It could start all the same, without what is wrong; the same command does that.'
        else
            say 'Until then it cannot start, also not with the host.'
        fi)"
        return 0
    fi
    if ! policy_allows restart; then
        say 'The agent is not restarted, as /usr/sbin/policy-rc.d wants it. To do it: scalyr-agent-2 restart'
        return 0
    fi
    if [ "$by_systemd" = yes ]; then
        have_systemd try-restart "$unit"
    elif ! "$program" condrestart --quiet --no-check-remote-server </dev/null; then
        warn 'the agent could not be restarted, for the reason above; `scalyr-agent-2 status -v` tells how it is'
        return 0
    fi
    if agent_runs; then say 'The Scalyr agent was restarted, and goes on where it was.'; fi
}
