keep_monitors || exit 1
forget_all
note_owners
if [ "${1:-1}" -eq 1 ]; then
    note first
    # Another package of the agent, whose place this one takes.
    case $(enabled_state) in disabled | masked*) note disabled ;; esac
fi
