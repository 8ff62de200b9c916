#!/bin/sh
### BEGIN INIT INFO
# Provides: scalyr-agent-2
# Required-Start: $network
# Required-Stop: $network
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Description: The Python agent, as its package has it
### END INIT INFO
# chkconfig: 2345 98 02
exec /usr/sbin/scalyr-agent-2 "$@"
