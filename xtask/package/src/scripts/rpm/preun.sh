# Not in an upgrade.
if [ "${1:-0}" -eq 0 ]; then
    stop_agent
    disable_service
fi
