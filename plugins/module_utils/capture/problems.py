# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an application could not be restored from its description, and what of it is left out. Pure."""

from __future__ import annotations

import collections
import typing as t

from ..application.definition import Application
from ..core.intent import intents_of
from ..core.records import FENCE_KEY, AddressGroup, Network, Port, Router, SecurityGroup, Server, Subnet
from ..core.states import is_off
from ..manifest.missing import Missing
from .look import CaptureSite
from .scope import Scope, group_name, groups

#: What Nova shows since which microversion.
_SHOWN_SINCE = {
    "descriptions": (2, 19),
    "tags of servers": (2, 26),
    "extra specs of flavors": (2, 61),
    "limits of server groups": (2, 64),
    "tags of disks and interfaces": (2, 70),
    "reasons of locks": (2, 73),
    "host names": (2, 90),
    "zones that were asked for": (2, 96),
    "scheduler hints": (2, 100),
}
#: What every service takes as a name.
_LONGEST_NAME = 255
_CERTIFICATE = "-----BEGIN CERTIFICATE"


def problems(application: Application, seen: CaptureSite, scope: Scope) -> list[str]:
    """Everything that could not be restored, each with what to do."""
    return [*_server_problems(seen), *_port_problems(seen), *_topology_problems(seen, scope), *_group_problems(application, seen)]


def warnings(seen: CaptureSite) -> list[str]:
    """What an operator should know although the application can be protected."""
    return [*_root_warnings(seen), *_off_warnings(seen)]


def left_out(seen: CaptureSite) -> list[Missing]:
    """What of servers no restore brings back although its attributes are known."""
    return [*_hidden(seen), *_started(seen), *_without_key_pair(seen), *_strangers(seen)]


def _root_warnings(seen: CaptureSite) -> t.Iterator[str]:
    """Warn of servers whose root device is a guess: only administrators see which device a server boots from."""
    for server in seen.servers.values():
        bootable = [volume for volume in seen.volumes_of(server) if volume.bootable]
        if not server.boots_from_image and len(bootable) > 1 and not server.root_device:
            yield (
                f"Server {server.label} has {len(bootable)} bootable volumes, and the credentials may not see which it boots from. "
                f"{bootable[0].label} is taken, since Nova lists it first; make the others non-bootable if that is right."
            )


def _hidden(seen: CaptureSite) -> t.Iterator[Missing]:
    """What the site's Nova is too old to show, so that no checkpoint has it."""
    what = [f"{what} ({since[0]}.{since[1]})" for what, since in _SHOWN_SINCE.items() if seen.nova < since]
    version = f"what version {seen.nova[0]}.{seen.nova[1]} of its API does not show"
    return (Missing(f"Nova at site '{seen.site}'", version, one, "where servers have it") for one in what)


def _off_warnings(seen: CaptureSite) -> t.Iterator[str]:
    intents = intents_of(seen.servers.values())
    off = sorted(f"{server.label} ({server.status})" for server in seen.servers.values() if intents[server.id].is_off)
    if off:
        yield f"These servers do not run, so they are off when they are restored: {', '.join(off)}. Start those that shall run before the checkpoint."


def _strangers(seen: CaptureSite) -> t.Iterator[Missing]:
    """Servers outside of the application that have a volume of it, too: what they write is in no freeze, and they are not restored."""
    own = {server.id for server in seen.servers.values()}
    used = {volume_id for server in seen.servers.values() for volume_id, _deleted in server.volumes}
    for volume in (one for one in seen.volumes.values() if one.id in used):
        for stranger in sorted({one.server_id for one in volume.attachments} - own):
            note = (
                "it is in no tier of the application, so it is not frozen and goes on writing to the volume, of which only a crash-consistent checkpoint "
                "can be taken; it does not get the restored volume"
            )
            yield Missing(f"volume {volume.label}", "attachments", f"server {stranger}", note)


def _started(seen: CaptureSite) -> t.Iterator[Missing]:
    """Servers of an application that is shut down as a whole: a restore starts them."""
    intents = intents_of(seen.servers.values())
    for server in seen.servers.values():
        if is_off(server) and FENCE_KEY not in server.metadata and not intents[server.id].is_off:
            yield Missing(f"server '{server.name}'", "status", server.status, "no server of the application runs, so the restored ones are started")


def _without_key_pair(seen: CaptureSite) -> t.Iterator[Missing]:
    for server in seen.servers.values():
        if server.key_name and server.key_name not in ssh_keys(seen):
            why = "is a certificate (x509)" if server.key_name in seen.key_pairs else _why_unknown(seen, server.key_name)
            note = (
                f"the key pair {why}, so its public key is not captured; the restored server gets the key pair of this name at the other "
                "site, whatever key that is, or none; the key already installed on its disk is kept in any case"
            )
            yield Missing(f"server '{server.name}'", "key_name", server.key_name, note)


def _why_unknown(seen: CaptureSite, name: str) -> str:
    if name in seen.ambiguous_keys:
        return "is that of several users, with different keys"
    return "is not among those of the credentials' user, and only administrators (admin_cloud) see those of others"


def ssh_keys(seen: CaptureSite) -> dict[str, str]:
    """Public key per name of the key pairs that a restore can make; a certificate has no comment for its mark."""
    return {name: key for name, key in seen.key_pairs.items() if not key.startswith(_CERTIFICATE)}


def _server_problems(seen: CaptureSite) -> t.Iterator[str]:
    names = collections.Counter(server.name for server in seen.servers.values())
    for name, count in names.items():
        if count > 1:
            yield f"{count} servers of the application are called '{name}'; give them names of their own."
    for server in seen.servers.values():
        if not (server.flavor.vcpus and server.flavor.ram):
            yield (
                f"Nova does not show the CPUs and the memory of server {server.label}, so no flavor could be chosen at another site; "
                "it must offer the compute API in version 2.47 or later."
            )
        if server.boots_from_image:
            yield from _root_disk_problems(server)
        elif not server.volumes:
            yield f"Server {server.label} has no volumes, so there is nothing to copy; take it out of the application."
        for volume_id, _delete in server.volumes:
            yield from _volume_problems(seen, server, volume_id)


def _root_disk_problems(server: Server) -> t.Iterator[str]:
    if not server.flavor.disk:
        yield (
            f"Server {server.label} boots from an image, and its flavor does not say how large its root disk is; "
            "resize it to a flavor that does, or take it out of the application."
        )


def _volume_problems(seen: CaptureSite, server: Server, volume_id: str) -> t.Iterator[str]:
    volume = seen.volumes.get(volume_id)
    if volume is None:
        yield (
            f"Volume {volume_id} of server {server.label} is not visible in the project; use credentials of its project."
        )
        return
    if volume.encrypted and volume.id not in seen.encryption:
        yield (
            f"Volume {volume.label} of server {server.label} is encrypted: its key does not exist at another site; "
            "give volume_public_key, with which the key is sealed in the manifest, or take the server out of the application."
        )


def _port_problems(seen: CaptureSite) -> t.Iterator[str]:
    for server in seen.servers.values():
        for port in seen.ports_of(server):
            where = f"Port {port.id} of server {server.label}"
            yield from _network_problems(seen, port, where)
            yield from _unseen_groups(seen, port, where)
    for port in seen.ports_on_no_server():
        where = f"Port {port.id}, which is on no server,"
        yield from _network_problems(seen, port, where)
        yield from _unseen_groups(seen, port, where)


def _network_problems(seen: CaptureSite, port: Port, where: str) -> t.Iterator[str]:
    """Networks of other projects are described as far as they are shared with this one."""
    network, unseen = seen.networks.get(port.network_id), sorted({ip.subnet_id for ip in port.fixed_ips} - {*seen.subnets})
    way_out = "have its owner share it with the project, or put the port on another network."
    if network is None:
        yield f"{where} is on network {port.network_id}, which belongs to another project and is not shared with this one; {way_out}"
    elif unseen:
        yield (
            f"{where} has an address in subnet {unseen[0]} of network '{network.name}', which belongs to another project: the project does not see "
            f"that subnet; {way_out}"
        )


def _unseen_groups(seen: CaptureSite, port: Port, where: str) -> t.Iterator[str]:
    for group_id in port.security_group_ids:
        if group_id not in seen.security_groups:
            yield f"{where} uses security group {group_id}, which the project does not see; use one of its own."


def _topology_problems(seen: CaptureSite, scope: Scope) -> t.Iterator[str]:
    """Names tie the parts of the topology together, so they must be there and be unique."""
    kinds: tuple[tuple[str, t.Mapping[str, Network | Subnet | Router | SecurityGroup | AddressGroup], tuple[str, ...]], ...] = (
        ("network", seen.networks, scope.networks),
        ("subnet", seen.subnets, scope.subnets),
        ("router", seen.routers, scope.routers),
        ("security group", seen.security_groups, scope.security_groups),
        ("address group", seen.address_groups, scope.address_groups),
    )
    for kind, everything, used in kinds:
        # What others share may have a name of the project's own.
        named = (one for one in everything.values() if one.project_id == seen.project_id or one.id in used)
        counts = collections.Counter(one.name for one in named)
        for resource_id in used:
            name, is_own = everything[resource_id].name, everything[resource_id].project_id == seen.project_id
            how = "" if is_own else " It belongs to another project: have its owner do that."
            if not name:
                yield f"The {kind} {resource_id} has no name; give it one.{how}"
            elif counts[name] > 1:
                yield f"The {kind} {resource_id} is one of {counts[name]} called '{name}'; give it a name of its own.{how}"
    for group_id in scope.security_groups:
        yield from _rule_problems(seen, seen.security_groups[group_id])


def _rule_problems(seen: CaptureSite, group: SecurityGroup) -> t.Iterator[str]:
    for addresses in sorted({rule.remote_address_group_id for rule in group.rules if rule.remote_address_group_id} - {*seen.address_groups}):
        yield f"A rule of security group '{group.name}' names address group {addresses}, which the project does not see; write its addresses into rules."
    for remote in sorted({rule.remote_group_id for rule in group.rules if rule.remote_group_id} - {*seen.security_groups}):
        yield f"A rule of security group '{group.name}' names group {remote}, which the project does not see."


def _group_problems(application: Application, seen: CaptureSite) -> t.Iterator[str]:
    """Problems of server groups, which are known by their names like all of the topology."""
    counts = collections.Counter(group_name(application, group) for group in seen.server_groups)
    for group in groups(seen):
        name = group_name(application, group)
        if not group.name:
            yield f"The server group {group.id} has no name; move its servers to one that has."
        elif len(name) > _LONGEST_NAME:
            yield (
                f"The server group {group.id} would be called '{name[:40]}…' at another site, with the application's name before its own: that is "
                f"longer than the {_LONGEST_NAME} characters that Nova takes. Move its servers to one with a shorter name."
            )
        elif counts[name] > 1:
            yield f"The server group {group.id} is one of {counts[name]} that would be called '{name}' at another site; remove the others."
