# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application with all that the clouds of the lab know comes back as it was, or it was said before what will be missing."""

from __future__ import annotations

import contextlib

import pytest
import rich
from laboratory import cloud, playbook
from side_by_side import Side, differences

pytestmark = pytest.mark.campaign

#: Inside a guest: its name, its disks in order with their sizes, its interfaces in order with their MAC addresses, and its addresses.
LOOK = (
    "hostname; for disk in /sys/block/vd*; do echo $(basename $disk) $(cat $disk/size); done; "
    "for link in /sys/class/net/eth*; do echo $(basename $link) $(cat $link/address) $(cat $link/mtu); done; "
    "ip -o -4 address show dev eth0 | awk '{print $4}'"
)


@pytest.fixture(scope="module")
def protected(application):
    """The rich application, with a checkpoint in the catalogue; and what the checkpoint said."""
    with rich.running() as made:
        before = made.guest("primary").run(LOOK)
        taken = playbook("checkpoint", **made.checkpoint())
        assert taken.returncode == 0, taken.stdout + taken.stderr
        yield made, before, taken.stdout + taken.stderr


@pytest.fixture
def for_servers(protected):
    """The network in front, made at the remote site by somebody; its IPv4 addresses are only for servers and for interfaces of routers."""
    made, neutron = protected[0], cloud("remote").network
    with contextlib.ExitStack() as undo:
        network = neutron.create_network(name=f"{made.name}-front-net")
        undo.callback(neutron.delete_network, network)
        subnet = neutron.create_subnet(name=f"{made.name}-front-subnet", network_id=network.id, ip_version=4, cidr=rich.FRONT)
        modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        neutron.create_subnet(name=f"{made.name}-six-subnet", network_id=network.id, ip_version=6, cidr=rich.SIX, **modes)
        types = {"service_types": ["compute:nova", "network:router_interface"]}
        answer = cloud("remote-admin").network.put(f"/subnets/{subnet.id}", json={"subnet": types})
        assert answer.ok, answer.text
        # What the restore leaves on it would keep it from being deleted.
        undo.callback(_clean_up, made)
        yield network


def _clean_up(made):
    removed = playbook("cleanup", **made.cleanup())
    assert removed.returncode == 0, removed.stdout + removed.stderr


def test_ports_get_their_addresses_on_a_subnet_that_is_only_for_servers(protected, for_servers):
    made, neutron = protected[0], cloud("remote").network
    checked = playbook("restore", "--check", **made.restore())
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"subnet '{made.name}-front-subnet' is there already and stays as it is" in " ".join((checked.stdout + checked.stderr).split())
    done = playbook("restore", **made.restore())
    assert done.returncode == 0, done.stdout + done.stderr
    ports = {ip["ip_address"]: port for port in neutron.ports(network_id=for_servers.id) for ip in port.fixed_ips}
    virtual, front, standby = (ports[f"10.66.0.{number}"] for number in (80, 11, 21))
    assert (virtual.device_owner, virtual.device_id) == ("", "")
    assert {front.device_owner, standby.device_owner} == {"compute:nova"}
    again = playbook("restore", **made.restore())
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout


@pytest.fixture(scope="module")
def restored(protected):
    """At the remote site; and what the check said before."""
    made = protected[0]
    checked = playbook("restore", "--check", **made.restore())
    assert checked.returncode == 0, checked.stdout + checked.stderr
    done = playbook("restore", **made.restore())
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield made, checked.stdout + checked.stderr
    finally:
        _clean_up(made)


def is_named(difference, told):
    """Whether a warning has the attribute and what it is of, as far as people know that by a name: a rule by that of its group."""
    kind, _of, thing = difference.thing.partition(" of ")
    name = thing.partition(":")[0] if kind == "rule" else difference.thing.split(" ")[-1]
    return any(difference.attribute in line and name in line for line in " ".join(told.split()).split(". "))


def test_side_by_side_both_sites_show_the_same_or_it_was_named(protected, restored):
    made, told = restored
    found = differences(Side(cloud("primary"), made.servers), Side(cloud("remote"), made.servers))
    silent = [str(one) for one in found if not is_named(one, told)]
    for one in found:
        print(f"{'named' if is_named(one, told) else 'SILENT'}: {one}")
    assert silent == []


def test_the_guest_sees_the_same_name_disks_interfaces_and_addresses(protected, restored):
    made, before, _told = protected
    assert made.guest("remote").run(LOOK) == before
    assert before.splitlines()[0] == "front-of-house"


def test_a_second_restore_changes_nothing(restored):
    made, _told = restored
    again = playbook("restore", **made.restore())
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout
