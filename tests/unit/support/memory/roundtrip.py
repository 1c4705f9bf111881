# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of an application from one site in memory to another: captured, checked, restored, restored again, and compared.

The promise: what is lost is named, by the capture, or by the check of the restore and the restore itself, and by every later one again; what is checked
can be restored, another run finishes what a killed one began, a second restore changes nothing, and nothing of others is touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import typing as t
from types import SimpleNamespace
from unittest import mock

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, DrError, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.image_marks import CopyMark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import plain
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_application_info, os_restore_check, os_restore_networks, os_restore_servers
from ansible_collections.osdr.openstack.tests.unit.support import given
from ansible_collections.osdr.openstack.tests.unit.support.at_once import at_once
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.memory.alike import Difference, differences
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, THEIRS, MemorySite, connection_to
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import APPLICATION, Blueprint, Remote, Source

_MODULES = (os_application_info, os_restore_check, os_restore_networks, os_restore_servers)
_QUIESCE = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None}
_PROBE = {"agent": False, "console": None, "timeout": None}
#: How warnings call an attribute, where they say it in words.
_WORDS = {
    "itself": ("itself", "will be missing: ", "does not have", "will lack", "forward", "further subnets"),
    "external network": ("external_gateway_info",),
    "key_name": ("key pair",),
    "mtu": ("MTU",),
    "enable_snat": ("snat", "external_gateway_info"),
    "trunk_details": ("trunk",),
    "interfaces": ("interfaces", "is not connected"),
    "order of disks": ("boots from",),
    "OS-EXT-SRV-ATTR:hostname": ("host name",),
    "delete_on_termination": ("deletion",),
    "locked_reason": ("locked_reason", "reasons of locks"),
}


@dataclasses.dataclass
class Outcome:
    """What became of one application.

    :param end: ``no servers``, ``refused at capture``, ``refused at check`` or ``restored``.
    :param reasons: why it was refused.
    :param named: how many differences were named before.
    """

    end: str
    reasons: tuple[str, ...] = ()
    violations: list[str] = dataclasses.field(default_factory=list)
    named: int = 0


class _Killed(BaseException):
    """Stands for a killed controller."""


class Params(dict[str, t.Any]):
    """Parameters of a module: what is not given is null, as Ansible has it."""

    def __missing__(self, name: str) -> None:
        return None


class Modules:
    """The collection's modules at one site.

    :param has_admin: whether an administrator's credentials are given to those that take some.
    :ivar warnings: that they gave.
    """

    def __init__(self, site: MemorySite, has_admin: bool = False) -> None:
        self.site = site
        self.warnings: list[str] = []
        self._admin_cloud = "remote-admin" if has_admin else None

    @contextlib.contextmanager
    def there(self) -> t.Iterator[Cloud]:
        """Have the modules call the site, one request after the other; yields it as the project sees it."""
        cloud, admin = self._cloud(self.site.caller), self._cloud(Caller(OPERATOR, sees_all=True))
        with contextlib.ExitStack() as stack:
            for module in _MODULES:
                stack.enter_context(mock.patch.object(module, "connect", lambda _params: cloud))
            for module in (os_restore_check, os_restore_networks, os_restore_servers):
                stack.enter_context(mock.patch.object(module, "published", given.manifest))
            for module in (os_restore_check, os_restore_servers):
                stack.enter_context(mock.patch.object(module, "connect_other", lambda _cloud: admin))
            stack.enter_context(at_once())
            stack.enter_context(mock.patch.object(os_restore_servers, "Waiter", lambda **_times: Waiter(60, 1, FakeTime().clock)))
            yield cloud

    def _cloud(self, caller: Caller) -> Cloud:
        cloud = Cloud(connection_to(self.site, caller), self.site.name)
        cloud.__dict__ |= {"project_id": caller.project, "roles": frozenset({"member", "admin"} if caller.sees_all else {"member"})}
        return cloud

    def _module(self, **params: t.Any) -> t.Any:
        return SimpleNamespace(params=Params(concurrency=1, admin_cloud=self._admin_cloud, **params), warn=self.warnings.append, check_mode=False)

    def captured(self, definition: Resource) -> Resource:
        with self.there():
            module = self._module(application=definition, user_data="omit")
            return t.cast(Resource, os_application_info.run(module)["application_description"])

    def checked(self, manifest: Resource, **more: t.Any) -> list[str]:
        """The problems of a restore.

        :param more: further parameters of the modules, such as a mapping.
        """
        with self.there():
            module = self._module(manifest=manifest, remove_old=False, keep_volumes=False, command_checks="refuse", **more)
            return t.cast("list[str]", os_restore_check.check(module)["problems"])

    def restored(self, manifest: Resource, **more: t.Any) -> bool:
        """Restore; returns whether anything was changed."""
        with self.there():
            made = os_restore_networks.run(self._module(manifest=manifest, **more).params, False)
            self.warnings += made["warnings"]
            own = {"state": "present", "timeout": 60, "volumes": "restore", "command_checks": "refuse", "quiesce": _QUIESCE, "drill_probe": _PROBE}
            built = os_restore_servers.run(self._module(manifest=manifest, **own, **more))
            return bool(made["changed"] or built["changed"])

    def killed(self, manifest: Resource, writes: int) -> None:
        """Restore, and be killed right after so many writes, if there are so many."""
        left = itertools.count(1)

        def count() -> None:
            if next(left) == writes:
                raise _Killed

        self.site.after_write = count
        try:
            self.restored(manifest)
        except _Killed:
            # What it had to say is not known.
            self.warnings.clear()
        finally:
            self.site.after_write = lambda: None


def travel(blueprint: Blueprint, in_parts: bool = False) -> Outcome:
    """Protect, restore and compare an application.

    :param in_parts: whether a server is restored by itself first.
    """
    source = Source(blueprint)
    if not source.servers:
        return Outcome("no servers")
    remote = Remote(blueprint, source)
    here, there = Modules(source.site), Modules(remote.site, blueprint["remote"]["has_admin"])
    names = [server["name"] for server in source.servers]
    definition = {"name": APPLICATION, "tiers": [{"name": "all", "servers": [server["id"] for server in source.servers]}]}
    with _untouched(source, remote) as violations:
        try:
            description = here.captured(definition)
        except (CheckFailed, InvalidInput) as error:
            return Outcome("refused at capture", (str(error),), violations)
        manifest = json.loads(json.dumps(manifest_of(description, source.site, remote.site)))
        try:
            problems = there.checked(manifest)
        except DrError as error:
            violations.append(f"a checkpoint was taken, and cannot be checked: {error}")
            return Outcome("refused at check", (str(error),), violations)
        if problems:
            return Outcome("refused at check", tuple(problems), violations)
        outcome = Outcome("restored", violations=violations)
        told = tuple(there.warnings)
        there.warnings.clear()
        try:
            if blueprint["killed_after"]:
                there.killed(manifest, blueprint["killed_after"])
                violations += [f"after a killed restore, the check says: {problem}" for problem in there.checked(manifest)]
            if in_parts:
                violations += _part(there, manifest)
            there.restored(manifest)
            told = (*told, *there.warnings)
            there.warnings.clear()
            violations += _second(there, manifest)
        except DrError as error:
            violations.append(f"the check is clean and the restore fails: {error}")
            return outcome
        outcome.named, lost = _compare(source, remote, names, (*here.warnings, *told))
        _named, forgotten = _compare(source, remote, names, (*here.warnings, *there.warnings))
        violations += [f"nobody said that {one}" for one in lost]
        violations += [f"no later run says that {one}" for one in forgotten if one not in lost]
        return outcome


@contextlib.contextmanager
def _untouched(source: Source, remote: Remote) -> t.Iterator[list[str]]:
    """Nothing of others changes, nothing that somebody has prepared, and nothing at all at the source."""
    violations: list[str] = []
    before = {project: remote.site.of(project) for project in (THEIRS, OPERATOR)}
    source.site.writes.clear()
    yield violations
    violations += [f"at the source, {written} was asked for" for written in source.site.writes]
    violations += remote.prepared.changes()
    for project, had in before.items():
        now = remote.site.of(project)
        violations += [f"{kind} of {project} changed: {had[kind]} became {now[kind]}" for kind in had if had[kind] != now[kind]]


def _part(there: Modules, manifest: Resource) -> t.Iterator[str]:
    """Restore one server alone: nothing of the others is made, and all that they need can still be made."""
    first, others = manifest["servers"][0], manifest["servers"][1:]
    # A killed restore of the whole may have made something of all.
    before = _made(there.site)
    problems = there.checked(manifest, servers=[first["name"]])
    there.restored(manifest, servers=[first["name"]])
    made = _made(there.site) - before - _sources(first)
    yield from problems
    yield from (f"server {one['name']} was not asked for, and {len(touched)} of it was made" for one in others if (touched := made & _sources(one)))
    there.site.writes.clear()
    if there.restored(manifest, servers=[first["name"]]) or there.site.writes:
        yield f"the same part once more changed something: {there.site.writes}"
    yield from (f"after a part, the rest cannot be restored: {problem}" for problem in there.checked(manifest))


def _made(site: MemorySite) -> set[str]:
    """Ids at the source of the servers and volumes that were restored."""
    return {one["metadata"].get("osdr_source") for kind in (site.nova.by_id["servers"], site.cinder.by_id["volumes"]) for one in kind.values()}


def _sources(server: Resource) -> set[str]:
    return {server["source_id"], *(volume["source_id"] for volume in server["volumes"])}


def _second(there: Modules, manifest: Resource) -> t.Iterator[str]:
    there.site.writes.clear()
    if there.restored(manifest):
        yield "a second restore says that it changed something"
    yield from (f"a second restore asked for {written}" for written in there.site.writes)
    yield from (f"after a restore, the check says: {problem}" for problem in there.checked(manifest))


def _compare(source: Source, remote: Remote, names: t.Collection[str], warnings: t.Iterable[str]) -> tuple[int, list[Difference]]:
    """How many differences warnings name, and those that they do not."""
    told, named, others = "\n".join(warnings), 0, []
    for one in differences(source.site, remote.site, names, APPLICATION):
        if is_named(one, told):
            named += 1
        else:
            others.append(one)
    return named, others


def is_named(one: Difference, told: str) -> bool:
    """Whether a warning names what is different: the attribute, and the resource by its id, its name, or what it belongs to."""
    words = [word.lower() for word in _WORDS.get(one.attribute, (one.attribute.replace("_", " "), one.attribute))]
    sentences = [sentence for sentence in told.replace(". ", "\n").split("\n") if _is_about(sentence, one)]
    return any(word in sentence.lower() for sentence in sentences for word in words)


def _is_about(sentence: str, one: Difference) -> bool:
    # What a Nova is too old for is told once, of all servers.
    if sentence.startswith("Nova at site"):
        return one.kind in ("server", "volume") and one.label.split("/")[0] in sentence
    return any(name in sentence for name in (one.resource_id, f"'{one.label}'", *one.owners))


def _image_copy(root: Resource, remote: MemorySite) -> Copy:
    """A copy of a root disk, as it is at the remote site."""
    image_id, marks = remote.new_id(), {"osdr_application": APPLICATION, "osdr_checkpoint": "noon"}
    mark = CopyMark(image_id, root["source_id"], root["source_id"], root["size"], marks, "digest")
    remote.glance.fake.add(image_id, b"a root disk", min_disk=root["size"], **mark.properties())
    return Copy(root["source_id"], "glance_image", image_id, (image_id,), root["size"], False, 1)


def manifest_of(description: Resource, source: MemorySite, remote: MemorySite) -> Resource:
    """The manifest of a checkpoint, whose copies are at the remote site."""
    copies, volumes = [], {one["source_id"]: one for server in description["servers"] for one in server["volumes"]}
    for volume in volumes.values():
        if volume["is_image"]:
            copies.append(plain(_image_copy(volume, remote)))
            continue
        there = source.cinder.by_id["volumes"][volume["source_id"]]
        held = remote.cinder.hold(there, {"osdr_application": APPLICATION, "osdr_checkpoint": "noon"})
        copy = Copy(volume["source_id"], "cinder_backup", held["id"], (held["id"],), volume["size"], False, 1, "backups", 1)
        copies.append(plain(copy))
    names = [server["name"] for server in description["servers"]]
    proof = {"consistency": "crash", "server_consistency": dict.fromkeys(names, "crash"), "evidence": {}}
    checkpoint = {"id": "noon", "created_at": "2026-01-01T12:00:00Z", "site": "primary", **proof}
    return {"schema_version": 3, "checkpoint": checkpoint, **description, "copies": copies}
