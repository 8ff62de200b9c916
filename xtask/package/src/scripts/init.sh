#!/bin/sh
### BEGIN INIT INFO
# Provides:          scalyr-agent-2
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Should-Start:      $named $time $syslog
# Should-Stop:       $named $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Scalyr agent
# Description:       Ships the logs and metrics of this host to Scalyr (DataSet).
### END INIT INFO
# chkconfig: 2345 98 02
# description: Scalyr agent: ships the logs and metrics of this host.
#
# For hosts without systemd. All arguments go to the program, whose exit status is that of this script: 0 when it is done,
# for `status` 0 when the agent runs and 4 when it does not.

program=/usr/sbin/scalyr-agent-2

# Removed, and not purged.
if [ ! -x "$program" ]; then
    case ${1:-} in
        status) exit 4 ;;
        *) exit 0 ;;
    esac
fi

case ${1:-} in
    start | stop | restart)
        # Where systemd runs, Debian has it do these.
        if [ -r /lib/lsb/init-functions ]; then . /lib/lsb/init-functions; fi
        exec "$program" "$@"
        ;;
    # As tools of distributions call them.
    try-restart | force-reload)
        shift
        exec "$program" condrestart "$@"
        ;;
    '')
        echo "usage: $0 {start|stop|restart|condrestart|status} [OPTION...]" >&2
        exit 2
        ;;
    *) exec "$program" "$@" ;;
esac
