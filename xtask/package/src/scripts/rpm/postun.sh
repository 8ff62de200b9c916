if [ "${1:-0}" -eq 0 ]; then reload_units; fi
