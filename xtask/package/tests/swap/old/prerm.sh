#!/bin/sh
case $1 in
    remove | 0)
        /etc/init.d/scalyr-agent-2 stop --quiet
        if [ ! -f /etc/scalyr-agent-2/systemd_managed ]; then
            if command -v chkconfig >/dev/null 2>&1; then
                chkconfig --del scalyr-agent-2
            else
                update-rc.d -f scalyr-agent-2 remove >/dev/null 2>&1
            fi
        fi
        ;;
esac
find /usr/share/scalyr-agent-2 -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null
exit 0
