# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plainest application that random ones are drawn around, for tests of one thing at a time."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import Blueprint

_TEXTS: Blueprint = {"description": "", "tags": []}


def subnet(**changes: t.Any) -> Blueprint:
    usual = {"gateway": "first", "dhcp": True, "pool": None, "dns": [], "routes": [], "mode": None, "service_types": [], "later_types": []}
    return {**usual, "dns_publish": False, "from_pool": False, "name": "web", "version": 4, "range": 0, **_TEXTS, **changes}


def network(*subnets: Blueprint, **changes: t.Any) -> Blueprint:
    usual = {"mtu": None, "secure": True, "up": True, "dns_domain": "", "qos": None, "shared": False, "name": "web"}
    return {**usual, "provided": "", "subnets": list(subnets), **_TEXTS, **changes}


def router(*joined: tuple[int, bool], **changes: t.Any) -> Blueprint:
    """:param joined: a subnet's number, and whether it is joined by a port with an address of its own."""
    return {"outside": 0, "snat": True, "routes": [], "up": True, "ha": None, "name": "web", "joined": list(joined), **_TEXTS, **changes}


def group(*rules: Blueprint, **changes: t.Any) -> Blueprint:
    return {"stateful": True, "opens": True, "name": "web", "rules": list(rules), **_TEXTS, **changes}


def rule(**changes: t.Any) -> Blueprint:
    usual = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "range": (22, 22), "remote": "any", "description": ""}
    return {**usual, **changes}


def port(**changes: t.Any) -> Blueprint:
    usual = {"name": "", "mac": None, "secure": None, "pairs": [], "up": True, "vnic": "normal", "profile": {}, "qos": None, "dns_name": None}
    more = {"dns_domain": "", "dhcp_options": [], "numa": None, "by_nova": None, "network": 0, "addresses": None, "groups": None, "floating": []}
    return {**usual, **more, **_TEXTS, **changes}


def floating(**changes: t.Any) -> Blueprint:
    return {"outside": 0, "qos": None, "dns": None, **_TEXTS, **changes}


def volume(**changes: t.Any) -> Blueprint:
    usual = {"name": "", "bootable": False, "image": {}, "goes": False, "device": None, "tag": None, "description": "", "metadata": {}}
    return {**usual, "size": 1, **changes}


def server(*ports: Blueprint, **changes: t.Any) -> Blueprint:
    usual = {"flavor": 0, "metadata": {}, "hostname": None, "renamed": None, "state": None, "locked": None, "config_drive": False, "zone": None, "hints": {}}
    more = {"name": "web", "ports": list(ports), "volumes": [volume()], "key": None, "group": None, "late_ports": [], "imaged": False}
    return {**usual, **more, **_TEXTS, **changes}


def remote(**changes: t.Any) -> Blueprint:
    usual = {"nova": 0, "lacking": [], "mtu": None, "quota": None, "flavors": "same", "outside": 2, "policies": True, "default_group": "as new"}
    more = {"prepared": [], "addresses": [], "namesakes": None, "most": {}, "forbids": [], "neighbours": False}
    return {**usual, **more, "has_admin": False, "takes_first": True, **changes}


def blueprint(**changes: t.Any) -> Blueprint:
    usual: Blueprint = {"default_rules": [], "forwardings": [], "trunk": None, "unique": True, "nova": 0, "groups": [], "server_groups": [], "keys": []}
    more = {"networks": [network(subnet())], "routers": [], "servers": [server(port())], "vips": [], "remote": remote()}
    return {**usual, **more, "takes_first": True, "seen_by_administrator": False, "killed_after": None, "look_alikes": False, **changes}
