# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard inside a Linux guest: a timer started through its guest agent.

It is a background shell, so it needs neither the controller nor the hypervisor nor a
live agent. It keeps its two small files on a tmpfs, since it must be able to write while
every file system on a disk is frozen. Once it has fired, it thaws every second until it is
disarmed, so that it also ends a freeze that a hung agent carries out late.

``fsfreeze -u`` is tried first; the kernel's emergency thaw (SysRq j) needs no program
from a frozen disk and comes second.
"""

from __future__ import annotations

#: A guard that nobody disarms gives up after this many rounds of one second.
_ROUNDS = 3600

_FIND_DIRECTORY = """
for base in /run /dev/shm; do
    while read -r device mount kind rest; do
        if [ "$mount" = "$base" ] && [ "$kind" = tmpfs ]; then directory=$base/osdr-guard; fi
    done < /proc/mounts
    if [ -n "$directory" ]; then break; fi
done
if [ -z "$directory" ]; then echo "neither /run nor /dev/shm is a tmpfs" >&2; exit 1; fi
"""

_ARM = (
    _FIND_DIRECTORY
    + f"""
token=$1 seconds=$2
umask 077
mkdir -p "$directory" || exit 1
rm -f "$directory/fired"
echo "$token" > "$directory/armed" || exit 1
(
    trap '' HUP INT TERM
    # systemd ends everything in the control group of the agent's service with it; the root one has no such owner.
    for group in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
        if [ -w "$group/cgroup.procs" ]; then echo 0 > "$group/cgroup.procs"; fi
    done
    sleep "$seconds"
    rounds={_ROUNDS}
    while [ "$rounds" -gt 0 ]; do
        armed=
        read -r armed < "$directory/armed"
        if [ "$armed" != "$token" ]; then break; fi
        echo "$token" > "$directory/fired"
        while read -r device mount rest; do
            case $device in
                /dev/*) fsfreeze -u "$mount" ;;
            esac
        done < /proc/mounts
        echo j > /proc/sysrq-trigger
        sleep 1
        rounds=$((rounds - 1))
    done
) < /dev/null > /dev/null 2>&1 &
"""
)

_DISARM = (
    _FIND_DIRECTORY
    + """
if [ -e "$directory/fired" ]; then echo fired; else echo quiet; fi
rm -f "$directory/armed" "$directory/fired"
"""
)


def arm_command(token: str, seconds: int) -> list[str]:
    """The command that arms a guard; one armed earlier is replaced.

    :param token: tells this guard from earlier ones.
    """
    return ["/bin/sh", "-c", _ARM, "osdr-guard", token, str(seconds)]


def disarm_command() -> list[str]:
    """The command that disarms whatever guard is armed and prints whether it had fired."""
    return ["/bin/sh", "-c", _DISARM, "osdr-guard"]


def has_fired(output: str) -> bool:
    """Read the answer to :func:`disarm_command`.

    :raises KeyError: for any other output.
    """
    return {"fired": True, "quiet": False}[output.strip()]
