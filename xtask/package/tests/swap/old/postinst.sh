#!/bin/sh
etc=/etc/scalyr-agent-2
chmod o-rwx $etc/agent.json
chmod g=rx,o=x $etc/agent.d
for fragment in $etc/agent.d/*.json; do
    if [ -f "$fragment" ]; then chmod o-rwx "$fragment"; fi
done
case $1 in
    configure | [1-9]*)
        if [ ! -f $etc/systemd_managed ]; then
            if command -v chkconfig >/dev/null 2>&1; then
                chkconfig --add scalyr-agent-2
            else
                update-rc.d scalyr-agent-2 defaults 98 02 >/dev/null 2>&1
            fi
        fi
        /etc/init.d/scalyr-agent-2 condrestart --quiet
        exit $?
        ;;
esac
