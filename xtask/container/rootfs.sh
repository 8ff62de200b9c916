#!/bin/sh
# Makes the root file system of the image in the folder ROOT from the program AGENT, which must be static to run in it:
#
#   xtask/container/rootfs.sh AGENT ROOT
#
# The Dockerfile and the test of the image (agent/program/tests/container.rs) run the same script. Nothing in ROOT depends
# on who owns it: the user of the image, 10001, is in the group root, and what it may write belongs to that group. So the
# image also works for a user that an orchestrator made up, as long as the group is root.
set -eu

if [ "$#" -ne 2 ] || [ ! -f "$1" ]; then
    echo "usage: $0 AGENT ROOT; AGENT is the program, ROOT a folder to make" >&2
    exit 2
fi
agent=$1
root=$2
here=$(cd "$(dirname "$0")" && pwd)

# proc, sys and dev are mounted by the container's engine.
for folder in dev etc etc/scalyr-agent-2 etc/scalyr-agent-2/agent.d proc root sys usr usr/sbin usr/share \
    usr/share/doc/scalyr-agent-2-rs usr/share/scalyr-agent-2/bin var var/lib var/log; do
    install -d -m 0755 "$root/$folder"
done
install -d -m 1777 "$root/tmp"
for folder in var/lib/scalyr-agent-2 var/log/scalyr-agent-2; do
    install -d -m 0775 "$root/$folder"
done

install -m 0755 "$agent" "$root/usr/sbin/scalyr-agent-2"
ln -sf scalyr-agent-2 "$root/usr/sbin/scalyr-agent-2-config"
for name in scalyr-agent-2 scalyr-agent-2-config; do
    ln -sf ../../../sbin/scalyr-agent-2 "$root/usr/share/scalyr-agent-2/bin/$name"
done

install -m 0644 "$here/etc/passwd" "$here/etc/group" "$here/etc/nsswitch.conf" "$root/etc/"
install -m 0640 "$here/etc/agent.json" "$root/etc/scalyr-agent-2/"
install -m 0640 "$here"/etc/agent.d/*.json "$root/etc/scalyr-agent-2/agent.d/"
install -m 0644 "$here/../../LICENSE" "$root/usr/share/doc/scalyr-agent-2-rs/"
