# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nova, as far as disaster recovery needs it."""

from __future__ import annotations

import collections
import contextlib
import typing as t

from ..core import leeway
from ..core.errors import CheckFailed, CloudError, NotFound
from ..core.libraries import library
from ..core.records import Flavor, Quota, Server, ServerGroup
from .repeating import once
from .session import NONSENSE, Cloud
from .shape import shaped

#: The newest whose answers are known here.
_KNOWN_VERSION = "2.100"
#: Since when servers can have shares by way of their host.
_SHARES_SINCE = (2, 97)
#: The newest that tells of attachments what is read here.
_ATTACHMENTS_VERSION = "2.89"
#: Since then, names of key pairs may hold '.' and '@'.
_KEY_NAMES_VERSION = "2.92"
_FORBIDDEN = 403
#: Since then, Nova tells the id of an image that it makes.
_IMAGE_ID_VERSION = "2.45"
#: The header by which the holder of a freeze names it to the quiesce API.
_QUIESCE_TOKEN = "X-OpenStack-Quiesce-Token"


class Compute:
    """The servers of one cloud.

    :param cloud: whose; every call acts in its project unless it says otherwise.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("compute")

    def newest_version(self) -> tuple[int, int]:
        """The newest microversion that the site knows; 2.0 where it knows none."""
        with self.cloud.calling("ask for the versions of the compute API"):
            data = self._api.get_endpoint_data()
            major, minor = (data and data.max_microversion) or (2, 0)
            return int(major), int(minor)

    def server(self, server_id: str) -> Server:
        """A server by its id.

        :raises NotFound: when it does not exist.
        """
        with self.cloud.calling(f"show server {server_id}"):
            return _whole_server(self._api.get_server(server_id))

    def servers(self, project_id: str | None = None, everywhere: bool = False) -> list[Server]:
        """All servers of the caller's project, or (for administrators) of another one or of all, in one call."""
        query: dict[str, t.Any] = {"all_projects": True} if project_id or everywhere else {}
        if project_id:
            query["project_id"] = project_id
        with self.cloud.calling("list servers"):
            return [_listed_server(found) for found in self._api.servers(details=True, **query)]

    def server_answers(self) -> list[dict[str, t.Any]]:
        """All servers of the project, with everything that Nova says of them."""
        with self.cloud.calling("list servers"):
            return self.cloud.all_of(self._api, "/servers/detail", "servers", _KNOWN_VERSION)

    def shares_of(self, server_id: str) -> list[dict[str, t.Any]]:
        """The shares that a server has by way of its host, each with its id and tag; none where Nova is too old for that."""
        if self.newest_version() < _SHARES_SINCE:
            return []
        with self.cloud.calling(f"list the shares of server {server_id}"):
            version = ".".join(map(str, _SHARES_SINCE))
            return self.cloud.json(self._api.get(f"/servers/{server_id}/shares", microversion=version))["shares"]

    def server_group_answers(self) -> list[dict[str, t.Any]]:
        """All server groups of the project, with everything that Nova says of them."""
        with self.cloud.calling("list server groups"):
            return self.cloud.all_by_offset(self._api, "/os-server-groups", "server_groups", _KNOWN_VERSION)

    def resolve(self, wanted: t.Iterable[str], project_ids: t.Sequence[str] = ()) -> dict[str, Server]:
        """Find servers by name or id.

        :param project_ids: where, for administrators; the caller's project when there are none.
        :returns: server per wanted name or id.
        :raises CheckFailed: naming all that are missing or ambiguous.
        """
        servers = [server for project_id in project_ids or (None,) for server in self.servers(project_id)]
        by_id = {server.id: [server] for server in servers}
        by_name = collections.defaultdict(list)
        for server in servers:
            by_name[server.name].append(server)
        matches = {name: by_id.get(name) or by_name[name] for name in wanted}
        problems = [
            problem
            for name, found in matches.items()
            for problem in self._resolution_problems(name, found)
        ]
        if problems:
            raise CheckFailed(f"The servers on site '{self.cloud.site}' are not all known", problems)
        return {name: found[0] for name, found in matches.items()}

    @staticmethod
    def _resolution_problems(name: str, found: t.Sequence[Server]) -> list[str]:
        if not found:
            return [f"Server '{name}' does not exist in the project; check the name and the credentials' project."]
        if len(found) > 1:
            ids = ", ".join(sorted(server.id for server in found))
            return [f"{len(found)} servers are called '{name}' ({ids}); name the one you mean by its id."]
        return []

    def devices(self, server: Server) -> dict[str, str]:
        """Device name per id of each of a server's volumes, in the order of the device names."""
        with self.cloud.calling(f"list the volumes of server {server.id}"):
            attached = [(str(one.get("device") or ""), str(one["volumeId"])) for one in self._attachments(server)]
        return {volume_id: device for device, volume_id in sorted(attached)}

    def device_tags(self, server: Server) -> dict[str, str]:
        """Tag per id of each of a server's volumes or ports that has one; none where Nova is too old to show them."""
        with self.cloud.calling(f"list the devices of server {server.id}"):
            tags = {str(one["volumeId"]): one.get("tag") for one in self._attachments(server)}
            tags |= {one.port_id: one.tag for one in self._api.server_interfaces(server.id)}
        return {one: str(tag) for one, tag in tags.items() if tag}

    def _attachments(self, server: Server) -> list[dict[str, t.Any]]:
        """What Nova says of each of a server's volumes. It bounds this list without a word, but the server itself names all of them."""
        path = f"/servers/{server.id}/os-volume_attachments"
        return self.cloud.all_by_offset(self._api, path, "volumeAttachments", _ATTACHMENTS_VERSION, expected=len(server.volumes))

    def create_server(self, wanted: t.Mapping[str, t.Any]) -> Server:
        """Start building a server.

        :param wanted: the body of Nova's server creation, with nothing that the site's Nova is too old for.
        """

        def create() -> Server:
            with self.cloud.calling(f"create server {wanted['name']}"):
                return _server(self._api.create_server(**wanted))

        return once(create, lambda: self._made(wanted))

    def _made(self, wanted: t.Mapping[str, t.Any]) -> Server | None:
        """The server of a name with all of its marks, unless it is on its way out."""
        marks = wanted.get("metadata", {}).items()
        found = (one for one in self.servers() if one.name == wanted["name"] and marks <= one.metadata.items())
        return next((one for one in found if one.task_state != "deleting"), None)

    def delete_server(self, server_id: str) -> None:
        with self.cloud.calling(f"delete server {server_id}"):
            self._api.delete_server(server_id, ignore_missing=True)

    def pause(self, server_id: str) -> None:
        """Pause a server. Not asked for again when the answer is lost: the first request may still be under way, and arrive after the thaw."""
        with self.cloud.calling(f"pause server {server_id}"):
            self._api.pause_server(server_id)

    def unpause(self, server_id: str) -> None:
        self._bring(server_id, "unpause", ("ACTIVE", "unpausing"))

    def stop(self, server_id: str) -> None:
        """Ask the guest to shut down; Nova switches it off after the time that the site allows."""
        self._bring(server_id, "stop", ("SHUTOFF", "powering-off"))

    def start(self, server_id: str) -> None:
        self._bring(server_id, "start", ("ACTIVE", "powering-on"))

    def _bring(self, server_id: str, action: str, done: tuple[str, str]) -> None:
        """Have Nova do something with a server, which refuses it where that is done already.

        :param done: the status to which it leads, and Nova's task until then.
        """

        def act() -> bool:
            with self.cloud.calling(f"{action} server {server_id}"):
                getattr(self._api, f"{action}_server")(server_id)
                return True

        def is_done() -> bool | None:
            found = self.server(server_id)
            status, task = done
            return True if found.task_state == task or (found.status == status and not found.task_state) else None

        once(act, is_done)

    def lock(self, server_id: str, reason: str) -> None:
        """Keep all but administrators from acting on a server; by an administrator of another project, its owner cannot undo it."""
        with self.cloud.calling(f"lock server {server_id}", repeats=True):
            if reason:
                body = {"lock": {"locked_reason": reason}}
                self.cloud.check(self._api.post(f"/servers/{server_id}/action", json=body, microversion="2.73"))
            else:
                self._api.lock_server(server_id)

    def unlock(self, server_id: str) -> None:
        with self.cloud.calling(f"unlock server {server_id}", repeats=True):
            self._api.unlock_server(server_id)

    def create_image(self, server_id: str, name: str, properties: t.Mapping[str, str], quiesce_token: str | None = None) -> str:
        """Start making an image of a root disk. The SDK would look at the image once more before it returns, hence the plain call.

        :param quiesce_token: of the freeze that the caller holds by the quiesce API, which refuses it to everybody else.
        :returns: id of the image.
        """
        body = {"createImage": {"name": name, "metadata": dict(properties)}}
        headers = {_QUIESCE_TOKEN: quiesce_token} if quiesce_token else {}

        def create() -> str:
            with self.cloud.calling(f"make an image of server {server_id}"):
                path = f"/servers/{server_id}/action"
                return str(self.cloud.json(self._api.post(path, json=body, headers=headers, microversion=_IMAGE_ID_VERSION))["image_id"])

        return once(create, lambda: self._image_called(name, properties))

    def _image_called(self, name: str, properties: t.Mapping[str, str]) -> str | None:
        """Id of the project's image of this name, with all of these properties."""
        query = {"name": name, "owner": self.cloud.project_id}
        with self.cloud.calling(f"look for image {name}"):
            found = self.cloud.json(self.cloud.service("image").get("/images", params=query))["images"]
            return next((str(one["id"]) for one in found if properties.items() <= one.items()), None)

    def actions(self, server_id: str) -> list[tuple[str, str]]:
        """What was done with a server, the latest first: the action, and the id of the request."""
        with self.cloud.calling(f"list the actions of server {server_id}"):
            return [(str(one.action), str(one.request_id)) for one in self._api.server_actions(server_id)]

    def quiesce_state(self, server_id: str) -> dict[str, t.Any]:
        """The quiesce API's view of a server: state, until, max_timeout, ...

        :raises NotFound: when the site has no quiesce API.
        """
        with self.cloud.calling(f"ask the quiesce API about server {server_id}"):
            return self.cloud.json(self._api.get(f"/servers/{server_id}/os-quiesce"))["quiesce"]

    def quiesce_action(self, server_id: str, action: str, arguments: t.Any, seconds: float) -> dict[str, t.Any]:
        """Call ``quiesce`` or ``unquiesce`` of the quiesce API, and wait at most so many seconds for its answer.

        A freeze is not asked for again here: it would be refused for what the first request did.
        """
        is_harmless = action == "unquiesce" or (isinstance(arguments, dict) and bool(arguments.get("probe")))
        with self.cloud.calling(f"{action} server {server_id}", repeats=is_harmless), leeway.limited(seconds):
            path = f"/servers/{server_id}/action"
            return self.cloud.json(self._api.post(path, json={action: arguments}, timeout=seconds))["quiesce"]

    def set_metadata(self, server_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"set metadata of server {server_id}", repeats=True):
            self._api.set_server_metadata(server_id, **metadata)

    def delete_metadata(self, server_id: str, key: str) -> None:
        """Delete metadata, unless they are gone."""
        with contextlib.suppress(NotFound), self.cloud.calling(f"delete metadata of server {server_id}"):
            self._api.delete_server_metadata(server_id, [key])

    def set_delete_on_termination(self, server_id: str, volume_id: str, delete: bool) -> None:
        """Set whether an attached volume is deleted with its server."""
        body = {"volumeAttachment": {"volumeId": volume_id, "delete_on_termination": delete}}
        path = f"/servers/{server_id}/os-volume_attachments/{volume_id}"
        with self.cloud.calling(f"set what becomes of volume {volume_id} of server {server_id}"):
            self.cloud.check(self._api.put(path, json=body, microversion="2.85"))

    def console_tail(self, server_id: str, lines: int = 20) -> str:
        """The last lines of the server's console."""
        with self.cloud.calling(f"read the console of server {server_id}", repeats=True):
            return (self._api.get_server_console_output(server_id, length=lines) or {}).get("output", "")

    def flavors(self) -> list[Flavor]:
        """Those that servers can be made with: administrators also see disabled ones."""
        with self.cloud.calling("list flavors"):
            return [_flavor(found) for found in self._api.flavors(details=True) if not found.is_disabled]

    def availability_zones(self) -> list[str]:
        with self.cloud.calling("list availability zones"):
            return [str(zone.name) for zone in self._api.availability_zones() if zone.state.get("available")]

    def server_groups(self) -> list[ServerGroup]:
        with self.cloud.calling("list server groups"):
            return [_server_group(found) for found in self.server_group_answers()]

    def create_server_group(self, name: str, policy: str, max_per_host: int | None) -> None:
        """Create a server group.

        :param max_per_host: of servers that are kept apart, how many may be on one host; None for one.
        """
        rules = {"rules": {"max_server_per_host": max_per_host}} if max_per_host else {}

        def create() -> bool:
            with self.cloud.calling(f"create server group {name}"):
                self._api.create_server_group(name=name, policy=policy, **rules)
                return True

        once(create, lambda: True if any(one.name == name for one in self.server_groups()) else None)

    def delete_server_group(self, group_id: str) -> None:
        with self.cloud.calling(f"delete server group {group_id}"):
            self._api.delete_server_group(group_id, ignore_missing=True)

    def key_pairs(self) -> dict[str, str]:
        """Public key per name of the caller's key pairs."""
        with self.cloud.calling("list key pairs"):
            return _public_keys(self._api.keypairs())

    def key_pairs_of(self, user_id: str) -> dict[str, str]:
        """Public key per name of another user's key pairs; none where the credentials may not see these."""
        try:
            with self.cloud.calling(f"list the key pairs of user {user_id}"):
                return _public_keys(self._api.keypairs(user_id=user_id))
        except CloudError as error:
            if error.http_status == _FORBIDDEN:
                return {}
            raise

    def create_key_pair(self, name: str, public_key: str) -> None:
        """Create a key pair. The SDK asks for it with a version in which names may hold neither '.' nor '@', hence the plain call."""
        version = library("openstack.utils", "openstacksdk").maximum_supported_microversion(self._api, _KEY_NAMES_VERSION)
        body = {"keypair": {"name": name, "public_key": public_key}}

        def create() -> bool:
            with self.cloud.calling(f"create key pair {name}"):
                self.cloud.check(self._api.post("/os-keypairs", json=body, microversion=version))
                return True

        once(create, lambda: True if self.key_pairs().get(name) == public_key else None)

    def delete_key_pair(self, name: str) -> None:
        with self.cloud.calling(f"delete key pair {name}"):
            self._api.delete_keypair(name, ignore_missing=True)

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: instances, cores, ram (MiB), server_group_members, ..."""
        with self.cloud.calling("show the compute quotas"):
            path = f"/os-quota-sets/{self.cloud.project_id}/detail"
            return self.cloud.quotas(self.cloud.json(self._api.get(path))["quota_set"])


def _public_keys(found: t.Iterable[t.Any]) -> dict[str, str]:
    """Public key per name of key pairs; refuses what is no text."""
    keys = {one.name: one.public_key for one in found}
    if not all(isinstance(text, str) for pair in keys.items() for text in pair):
        raise ValueError("a name or a key is no text")
    return keys


def _listed_server(found: t.Any) -> Server:
    """Read one of a list. What makes no sense of one must not hide the others: of that one, nothing is known then.

    :raises ValueError: when it does not even say which server it is.
    """
    try:
        return _whole_server(found)
    except NONSENSE:
        if not isinstance(found.id, str) or not isinstance(found.name, str):
            raise
        return _unknown_server(found.id, found.name)


def _unknown_server(server_id: str, name: str) -> Server:
    """A server as Nova shows it when its cell does not answer."""
    texts = dict.fromkeys(("project_id", "availability_zone", "description", "fault"), "")
    absent = dict.fromkeys(("task_state", "hypervisor", "instance_name", "key_name"))
    off = dict.fromkeys(("boots_from_image", "config_drive"), False)
    facts: dict[str, t.Any] = {**texts, **absent, **off, "flavor": _flavor(None), "metadata": {}, "tags": (), "volumes": ()}
    return Server(id=server_id, name=name, status="UNKNOWN", **facts)


def _whole_server(found: t.Any) -> Server:
    """Read a server that Nova shows.

    :raises ValueError: when the answer is none: the SDK makes an empty server of any page, which would have neither state nor marks.
    """
    if not found.status:
        raise ValueError("a server without a status")
    # The SDK takes anything else for none, and with it whether the server is marked as frozen.
    if found.status != "UNKNOWN" and not isinstance(found._body.attributes.get("metadata"), dict):
        raise ValueError("a server without metadata")
    return _server(found)


@shaped
def _server(found: t.Any) -> Server:
    return Server(
        id=found.id,
        name=found.name or "",
        status=found.status or "",
        task_state=found.task_state,
        project_id=found.project_id or "",
        hypervisor=found.hypervisor_hostname,
        instance_name=found.instance_name,
        flavor=_flavor(found.flavor),
        boots_from_image=bool(found.image and found.image.id),
        key_name=found.key_name,
        availability_zone=found.availability_zone or "",
        config_drive=str(found.has_config_drive).lower() == "true",
        description=found.description or "",
        fault=(found.fault or {}).get("message", ""),
        metadata=dict(found.metadata or {}),
        tags=tuple(found.tags or ()),
        volumes=tuple(
            (one["id"], bool(one.get("delete_on_termination"))) for one in found.attached_volumes or ()
        ),
        mac_addresses=_mac_addresses(found.addresses or {}),
        user_data=found.user_data,
        # Nova tells it from 2.96 on, and the SDK since then.
        pinned_zone=getattr(found, "pinned_availability_zone", None),
        locked=bool(found.is_locked),
        locked_reason=found.locked_reason or "",
        hostname=found.hostname or "",
        root_device=found.root_device_name or "",
        power_state=found.power_state,
        updated_at=found.updated_at or "",
        created_at=found.created_at or "",
        user_id=found.user_id or "",
        image_id=(found.image and found.image.id) or "",
    )


@shaped
def _server_group(found: t.Mapping[str, t.Any]) -> ServerGroup:
    return ServerGroup(
        id=found["id"],
        name=found.get("name") or "",
        # Before 2.64 a list of one.
        policy=found.get("policy") or next(iter(found.get("policies") or ()), ""),
        max_per_host=(found.get("rules") or {}).get("max_server_per_host"),
        member_ids=frozenset(found.get("members") or ()),
    )


def _mac_addresses(addresses: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]) -> tuple[str, ...]:
    """MAC addresses in the order of the interfaces, in which Nova lists addresses per network."""
    macs = [one["OS-EXT-IPS-MAC:mac_addr"] for network in addresses.values() for one in network]
    return tuple(dict.fromkeys(macs))


@shaped
def _flavor(found: t.Any) -> Flavor:
    """A flavor on its own, or as part of a server, where its name stands for its id."""
    if found is None:
        return Flavor("", "", 0, 0, 0, 0, 0)
    return Flavor(
        id=found.id or "",
        name=found.name or found.original_name or "",
        vcpus=found.vcpus or 0,
        ram=found.ram or 0,
        disk=found.disk or 0,
        ephemeral=found.ephemeral or 0,
        swap=found.swap or 0,
        extra_specs=_extra_specs(found),
    )


def _extra_specs(found: t.Any) -> dict[str, str] | None:
    """Extra specs; None where Nova does not show them, which the SDK takes for none."""
    shown = found._body.attributes.get("extra_specs")
    return None if shown is None else {str(key): str(value) for key, value in shown.items()}
