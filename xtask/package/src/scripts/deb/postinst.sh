case ${1:-} in
    configure)
        put_back settled
        give_to_owner
        repair_modes
        when=again
        if [ -z "${2:-}" ] || noted first; then when=first; fi
        enable_service "$when"
        reload_units
        if has_program; then
            if [ "$when" = first ]; then begin; else renew; fi
        fi
        forget_all
        ;;
    abort-upgrade | abort-remove | abort-deconfigure)
        # This package stays. What prerm stopped runs on.
        put_back undone
        if noted stopped && has_program && ! is_masked && policy_allows start; then
            start_agent || warn "the agent was stopped, and could not be started again: $(how_to_start)"
        fi
        forget_all
        ;;
esac
