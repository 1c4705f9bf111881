# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.addresses import (
    NoPlace,
    Renumbering,
    SubnetMove,
    contains,
    derives_addresses,
    network_problem,
    without,
)
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import SubnetSpec


def move(old, new, name="a"):
    version = 6 if ":" in old else 4
    return SubnetMove.of(SubnetSpec(name, "net", old, version, None, True, (), (), (), None, None), new)


@pytest.mark.parametrize(
    ("old", "new", "address", "moved"),
    [
        ("10.10.0.0/24", "10.20.0.0/24", "10.10.0.11", "10.20.0.11"),
        ("10.10.0.0/24", "10.20.0.0/16", "10.10.0.254", "10.20.0.254"),
        ("10.10.0.0/16", "10.20.4.0/24", "10.10.0.11", "10.20.4.11"),
        ("10.10.0.0/24", "192.168.7.128/25", "10.10.0.11", "192.168.7.139"),
        ("fd00:1::/64", "fd00:2::/64", "fd00:1::f816:3eff:fe00:11", "fd00:2::f816:3eff:fe00:11"),
    ],
)
def test_the_host_part_stays(old, new, address, moved):
    assert move(old, new).address(address) == moved


@pytest.mark.parametrize("address", ["10.10.0.200", "10.10.0.127"])
def test_what_does_not_fit_has_no_place(address):
    """The last address of a range belongs to nobody."""
    with pytest.raises(NoPlace, match=f"{address} has no place in 10.20.0.0/25"):
        move("10.10.0.0/24", "10.20.0.0/25").address(address)


@pytest.mark.parametrize(
    ("text", "moved"),
    [("10.10.0.0/24", "10.20.0.0/16"), ("10.10.0.64/26", "10.20.0.64/26"), ("10.10.0.11/32", "10.20.0.11/32")],
)
def test_parts_of_a_range_keep_their_size_and_the_whole_is_the_whole(text, moved):
    assert move("10.10.0.0/24", "10.20.0.0/16").range(text) == moved


def test_a_part_that_does_not_fit_has_no_place():
    with pytest.raises(NoPlace):
        move("10.10.0.0/24", "10.20.0.0/26").range("10.10.0.0/25")


def test_pools_are_cut_to_size():
    smaller = move("10.10.0.0/24", "10.20.0.0/25")
    assert smaller.pool("10.10.0.2", "10.10.0.254") == ("10.20.0.2", "10.20.0.126")
    assert smaller.pool("10.10.0.200", "10.10.0.254") is None
    assert move("fd00:1::/64", "fd00:2::/64").pool("fd00:1::2", "fd00:1::ffff:ffff:ffff:ffff") == ("fd00:2::2", "fd00:2::ffff:ffff:ffff:ffff")


@pytest.mark.parametrize("new", [None, "10.10.0.0/24"])
def test_nothing_moves_where_the_range_is_the_same(new):
    assert move("10.10.0.0/24", new) is None


@pytest.mark.parametrize("new", ["fd00::/64", "nonsense"])
def test_a_range_cannot_become_one_of_the_other_version(new):
    with pytest.raises(NoPlace, match="subnet 'a' has the range 10.10.0.0/24 at the source"):
        move("10.10.0.0/24", new)


def test_what_lies_in_no_subnet_that_moves_stays():
    renumbering = Renumbering((move("10.10.0.0/24", "10.20.0.0/24"),))
    for text in ("10.11.0.1", "0.0.0.0/0", "10.0.0.0/8", "fd00::1", "::/0", "nonsense", ""):
        assert renumbering.moved(text) == text


def test_of_two_subnets_with_one_range_the_near_one_is_meant():
    two = Renumbering((move("10.10.0.0/24", "10.20.0.0/24", "a"), move("10.10.0.0/24", "10.30.0.0/24", "b")))
    assert two.moved("10.10.0.1", ["b"]) == "10.30.0.1"
    with pytest.raises(NoPlace, match="10.10.0.1 lies in the subnets 'a' and 'b', which move to different ranges"):
        two.moved("10.10.0.1")


def _some_range(rng, version):
    bits = 32 if version == 4 else 128
    prefix = rng.randint(8, 28) if version == 4 else rng.randint(32, 120)
    value = rng.getrandbits(prefix) << (bits - prefix)
    return ipaddress.ip_network((value, prefix))


@pytest.mark.parametrize("seed", range(50))
def test_there_and_back_again_is_where_it_was(seed):
    """Against the standard library, which knows nothing of this one."""
    rng = random.Random(seed)
    here = _some_range(rng, rng.choice([4, 6]))
    there = ipaddress.ip_network((rng.getrandbits(here.prefixlen) << (here.max_prefixlen - here.prefixlen), here.prefixlen))
    if here == there:
        return
    forth, back = move(str(here), str(there)), move(str(there), str(here))
    for _time in range(20):
        host = rng.randrange(1, here.num_addresses - 1)
        moved = forth.address(str(here[host]))
        assert ipaddress.ip_address(moved) == there[host]
        assert back.address(moved) == str(here[host])


def test_addresses_for_ports():
    assert contains("10.10.0.0/24", "10.10.0.11")
    assert not contains("10.10.0.0/24", "10.20.0.11")
    assert not contains("10.10.0.0/24", "10.10.0.0")
    assert not contains("10.10.0.0/24", "10.10.0.255")
    assert contains("10.10.0.0/31", "10.10.0.0")
    assert contains("fd00::/64", "fd00::")
    assert contains("nonsense", "10.10.0.1")
    assert contains("10.10.0.0/24", "nonsense")


def test_a_range_is_written_with_its_first_address():
    assert network_problem("10.20.0.0/24") is None
    assert network_problem("fd00::/64") is None
    assert network_problem("10.20.0.0/33") is not None


def pool(start, end):
    return {"start": start, "end": end}


TWO = [pool("10.0.0.2", "10.0.0.3"), pool("10.0.0.8", "10.0.0.9")]


@pytest.mark.parametrize(
    ("pools", "addresses", "expected"),
    [
        pytest.param([pool("10.0.0.2", "10.0.0.9")], [], [pool("10.0.0.2", "10.0.0.9")], id="nothing"),
        pytest.param([pool("10.0.0.2", "10.0.0.9")], ["10.0.0.5"], [pool("10.0.0.2", "10.0.0.4"), pool("10.0.0.6", "10.0.0.9")], id="in the middle"),
        pytest.param([pool("10.0.0.2", "10.0.0.9")], ["10.0.0.2", "10.0.0.9"], [pool("10.0.0.3", "10.0.0.8")], id="both ends"),
        pytest.param([pool("10.0.0.2", "10.0.0.2")], ["10.0.0.2"], [], id="all"),
        pytest.param([pool("10.0.0.8", "10.0.0.9"), pool("10.0.0.2", "10.0.0.3")], ["10.0.0.1"], TWO, id="outside"),
        pytest.param([pool("fd00::2", "fd00::ffff:ffff:ffff:ffff")], ["fd00::2", "10.0.0.2"], [pool("fd00::3", "fd00::ffff:ffff:ffff:ffff")], id="IPv6"),
        pytest.param([pool("x", "y")], ["10.0.0.2", "z"], [pool("x", "y")], id="unreadable"),
        pytest.param([pool("10.0.0.2", "10.0.0.3")], ["z"], [pool("10.0.0.2", "10.0.0.3")], id="no address"),
    ],
)
def test_addresses_are_taken_out_of_pools(pools, addresses, expected):
    assert without(pools, addresses) == expected


@pytest.mark.parametrize(
    ("modes", "expected"),
    [(("slaac", "slaac"), True), ((None, "dhcpv6-stateless"), True), (("dhcpv6-stateful",) * 2, False), ((None,) * 2, False)],
)
def test_addresses_that_follow_from_mac_addresses(modes, expected):
    assert derives_addresses(*modes) is expected
