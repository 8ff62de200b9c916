case ${1:-} in
    remove | deconfigure)
        if agent_runs; then note stopped; fi
        stop_agent
        ;;
    # An agent that runs goes on until the new one is there.
    upgrade | failed-upgrade) ;;
esac
