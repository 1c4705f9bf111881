# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the interfaces of guests up.

Nova has the port made in Open vSwitch first and the interface afterwards. As soon as the interface is there, Open vSwitch reads its
flags, and later writes them back with one more: the promiscuous mode. When the interface was brought up in between, as on a busy
machine, it is down again, and the guest has a network that nothing comes through. Neither of them can be told to do otherwise.

The kernel tells of each change of an interface, so nothing is waited for. An interface that is down is left alone until it is
promiscuous: until then, it is still being made.
"""

from __future__ import annotations

import datetime

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import RTMGRP_LINK
from pyroute2.netlink.rtnl.ifinfmsg import IFF_PROMISC, IFF_UP


def was_lost(link):
    """Whether it is the interface of a guest that Open vSwitch has, but that is down."""
    return link.get("ifname", "").startswith("tap") and link["flags"] & IFF_PROMISC and not link["flags"] & IFF_UP


def bring_up(kernel, link):
    try:
        kernel.link("set", index=link["index"], state="up")
    except NetlinkError as problem:
        # It may be gone by now, with its guest.
        note(f"{link.get('ifname')} cannot be brought up: {problem}")
    else:
        note(f"{link.get('ifname')} was down")


def note(what):
    print(f"{datetime.datetime.now().astimezone().isoformat(timespec='seconds')} {what}", flush=True)


def main():
    # Told of changes before asked for what is there, so that nothing is missed in between. Should the kernel have to drop
    # a message, reading fails, and the supervisor starts this again.
    with IPRoute() as changes, IPRoute() as kernel:
        changes.bind(groups=RTMGRP_LINK)
        for link in filter(was_lost, kernel.get_links()):
            bring_up(kernel, link)
        while True:
            for message in changes.get():
                if message["event"] == "RTM_NEWLINK" and was_lost(message):
                    bring_up(kernel, message)


if __name__ == "__main__":
    main()
