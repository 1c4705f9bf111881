# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder in memory: what it shows, and what it refuses. What it is asked to do, is done at once."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import LONGEST, Limits, Refused, Request, Resource, expect, expect_text

_BODY = frozenset({"name", "description", "size", "volume_type", "availability_zone", "metadata", "backup_id"})


class Cinder:
    def __init__(self, site: t.Any) -> None:
        self._site = site
        self.by_id: dict[str, dict[str, Resource]] = {"volumes": {}, "backups": {}}
        self.zones = ["nova"]
        #: Extra specs that everybody sees, per type.
        self.types: dict[str, dict[str, str]] = {"ceph": {}}
        self.more_of_types: dict[str, Resource] = {}
        #: How many types it lists at once; None for all.
        self.page: int | None = None
        self.backends = ["ceph"]
        self.limits = Limits(
            {
                "volumes": lambda project: len(self._of(project)),
                "gigabytes": lambda project: sum(one["size"] for one in self._of(project)),
                "per_volume_gigabytes": lambda _project: 0,
            },
            413,
        )

    def _of(self, project: str) -> list[Resource]:
        return [one for one in self.by_id["volumes"].values() if one["project_id"] == project]

    def serve(self, request: Request) -> t.Any:
        kind, rest = request.path[0], request.path[1:]
        serve = {
            "volumes": self._volumes,
            "backups": self._backups,
            "types": self._types,
            "messages": lambda _asked, _rest: {"messages": []},
            "os-quota-sets": self._quotas,
            "qos-specs": self._qos_specs,
            "scheduler-stats": self._pools,
            "os-availability-zone": lambda _asked, _rest: {
                "availabilityZoneInfo": [{"zoneName": name, "zoneState": {"available": True}} for name in self.zones]
            },
        }
        expect(kind in serve, f"{kind} could not be found.", 404)
        return serve[kind](request, rest)

    def _quotas(self, request: Request, rest: tuple[str, ...]) -> Resource:
        if request.query.get("usage"):
            return {"quota_set": self.limits.shown(request.caller.project, "in_use")}
        return {"quota_set": {"id": rest[0], **self.limits.serve(request, rest, "defaults")}}

    # Types

    def type_of(self, name: str) -> Resource:
        """What there is of a type beside its extra specs; tests may change it."""
        usual = {"description": None, "is_public": True, "access": [], "encryption": {}, "qos": None}
        return self.more_of_types.setdefault(name, usual)

    def _types(self, request: Request, rest: tuple[str, ...]) -> Resource | None:
        if request.method == "GET" and not rest:
            return self._listed_types(request)
        if rest == ("default",):
            return {"volume_type": self._shown_type(next(iter(self.types)))}
        if request.method == "POST" and not rest:
            return {"volume_type": self._create_type(request)}
        expect(request.caller.sees_all, "Policy doesn't allow volume_extension:types_manage to be performed.", 403)
        name = rest[0].removeprefix("type-")
        expect(name in self.types, f"Volume type {rest[0]} could not be found.", 404)
        return self._part_of_type(request, name, rest[1:])

    def _part_of_type(self, request: Request, name: str, rest: tuple[str, ...]) -> Resource | None:
        one = self.type_of(name)
        if rest == ("encryption",) and request.method == "GET":
            return dict(one["encryption"])
        if rest == ("encryption",):
            expect(not one["encryption"], f"Volume type encryption for type {name} already exists.")
            expect(not any(volume["volume_type"] == name for volume in self.by_id["volumes"].values()), "Cannot create encryption specs. Volume type in use.")
            wanted = request.body["encryption"]
            expect(wanted["provider"] and wanted["control_location"] in ("front-end", "back-end"), "Invalid input for encryption")
            one["encryption"] = dict(wanted)
            return {"encryption": wanted}
        if rest == ("os-volume-type-access",):
            expect(not one["is_public"], "Access list not available for public volume types.", 404)
            return {"volume_type_access": [{"volume_type_id": f"type-{name}", "project_id": project} for project in one["access"]]}
        if rest == ("action",):
            project = request.body["addProjectAccess"]["project"]
            expect(not one["is_public"], "Type access modification is not applicable to public volume type.")
            expect(project not in one["access"], "Volume type access already exists.", 409)
            one["access"].append(project)
            return None
        expect(request.method == "PUT" and not rest, "The resource could not be found.", 404)
        wanted = request.body["volume_type"]
        expect(wanted["name"] == name, "Tests rename no types.")
        one |= {"description": wanted["description"], "is_public": wanted["is_public"]}
        return {"volume_type": self._shown_type(name)}

    def _listed_types(self, request: Request) -> Resource:
        wish = request.query.get("is_public", ["True"])[0] if request.caller.sees_all else "True"
        names = [name for name in self.types if wish == "None" or self.type_of(name)["is_public"] or request.caller.project in self.type_of(name)["access"]]
        if "marker" in request.query:
            names = names[names.index(request.query["marker"][0].removeprefix("type-")) + 1 :]
        page = names[: self.page]
        links = {"volume_type_links": [{"rel": "next", "href": "http://cinder.example/v3/next"}]} if len(page) < len(names) else {}
        return {"volume_types": [self._shown_type(name) for name in page], **links}

    def _shown_type(self, name: str) -> Resource:
        one = self.type_of(name)
        flags = {"is_public": one["is_public"], "os-volume-type-access:is_public": one["is_public"]}
        qos = {"qos_specs_id": one["qos"] and f"qos-{name}"}
        return {"id": f"type-{name}", "name": name, "description": one["description"], **flags, **qos, "extra_specs": dict(self.types[name])}

    def _create_type(self, request: Request) -> Resource:
        expect(request.caller.sees_all, "Policy doesn't allow volume_extension:types_manage to be performed.", 403)
        wanted = request.body["volume_type"]
        known = {"name", "description", "os-volume-type-access:is_public", "extra_specs"}
        expect(set(wanted) <= known, f"Additional properties are not allowed: {set(wanted) - known}")
        expect_text(wanted, "name", "description")
        name = wanted["name"]
        expect(name not in self.types, f"Volume Type {name} already exists.", 409)
        expect(all(isinstance(value, str) for value in wanted.get("extra_specs", {}).values()), "Invalid input for extra specs")
        self.types[name] = dict(wanted.get("extra_specs") or {})
        self.type_of(name).update(description=wanted.get("description"), is_public=wanted.get("os-volume-type-access:is_public", True))
        return self._shown_type(name)

    def _qos_specs(self, request: Request, _rest: tuple[str, ...]) -> Resource:
        expect(request.caller.sees_all, "Policy doesn't allow volume_extension:qos_specs_manage:get_all to be performed.", 403)
        return {"qos_specs": [{"id": f"qos-{name}", "name": name, **one["qos"]} for name, one in self.more_of_types.items() if one["qos"]]}

    def _pools(self, request: Request, _rest: tuple[str, ...]) -> Resource:
        expect(request.caller.sees_all, "Policy doesn't allow scheduler_extension:scheduler_stats:get_pools to be performed.", 403)
        return {"pools": [{"name": f"host@{one}#{one}", "capabilities": {"volume_backend_name": one}} for one in self.backends]}

    # Volumes

    def _volumes(self, request: Request, rest: tuple[str, ...]) -> t.Any:
        if request.method == "GET" and rest in ((), ("detail",)):
            project = request.query["project_id"][0] if request.caller.sees_all and "project_id" in request.query else request.caller.project
            return {"volumes": [] if request.query.get("marker") else [_shown(one) for one in self._of(project)]}
        if request.method == "POST" and not rest:
            return {"volume": _shown(self.create(request.body["volume"], request.caller.project))}
        volume = self.by_id["volumes"].get(rest[0])
        if volume is None or volume["project_id"] != request.caller.project:
            raise Refused(404, f"Volume {rest[0]} could not be found.")
        if request.method == "DELETE" and not rest[1:]:
            expect(not volume["attachments"], "Volume is in use")
            del self.by_id["volumes"][volume["id"]]
            return None
        if request.method == "PUT" and not rest[1:]:
            expect_text(request.body["volume"], "name", "description")
            volume.update(request.body["volume"])
        if rest[1:2] == ("metadata",) and request.method == "DELETE":
            expect(rest[2] in volume["metadata"], f"Metadata item {rest[2]} was not found", 404)
            del volume["metadata"][rest[2]]
            return None
        if rest[1:] == ("metadata",):
            merged = {**({} if request.method == "PUT" else volume["metadata"]), **request.body["metadata"]}
            _expect_metadata(merged)
            volume["metadata"] = merged
            return {"metadata": merged}
        if rest[1:] == ("action",):
            return self._act(volume, request.body)
        return {"volume": _shown(volume)}

    @staticmethod
    def _act(volume: Resource, body: Resource) -> t.Any:
        ((action, arguments),) = body.items()
        if action == "os-set_bootable":
            volume["bootable"] = str(arguments["bootable"]).lower()
            return None
        if action == "os-set_image_metadata":
            _expect_metadata(arguments["metadata"])
            volume["volume_image_metadata"] = {**(volume.get("volume_image_metadata") or {}), **arguments["metadata"]}
            return {"metadata": volume["volume_image_metadata"]}
        expect(action == "os-update_readonly_flag", f"There is no such action: {action}")
        expect(volume["status"] == "available", f"Volume {volume['id']} status must be available to update readonly flag")
        # What Cinder keeps elsewhere, it shows among the metadata.
        volume["metadata"] = {**volume["metadata"], "readonly": str(arguments["readonly"])}
        return None

    def create(self, wanted: Resource, project: str) -> Resource:
        """Have a volume."""
        for name in wanted:
            expect(name in _BODY, f"Additional properties are not allowed ('{name}' was unexpected)")
        expect_text(wanted, "name", "description")
        _expect_metadata(wanted.get("metadata") or {})
        kind, zone = wanted.get("volume_type") or next(iter(self.types)), wanted.get("availability_zone") or self.zones[0]
        expect(kind in self.types, f"Volume type with name {kind} could not be found.", 404)
        expect(zone in self.zones, f"Availability zone '{zone}' is invalid.")
        expect(wanted["size"] > 0, "Invalid size")
        most = self.limits.limit.get("per_volume_gigabytes", -1)
        expect(most < 0 or wanted["size"] <= most, "Requested volume size is larger than the per volume limit", 413)
        self.limits.take(project, volumes=1, gigabytes=wanted["size"])
        one: Resource = {
            "id": self._site.new_id(),
            "project_id": project,
            "os-vol-tenant-attr:tenant_id": project,
            "name": wanted.get("name") or None,
            "description": wanted.get("description") or None,
            "size": wanted["size"],
            "status": "available",
            "volume_type": kind,
            "availability_zone": zone,
            "bootable": "false",
            "encrypted": False,
            "multiattach": self.types[kind].get("multiattach") == "<is> True",
            "metadata": dict(wanted.get("metadata") or {}),
            "attachments": [],
            "group_id": None,
            "consistencygroup_id": None,
        }
        if wanted.get("backup_id"):
            self._restore(one, wanted["backup_id"], project)
        self.by_id["volumes"][one["id"]] = one
        return one

    @staticmethod
    def reserve(volume: Resource) -> None:
        """Have a volume given to one more server."""
        may_be = ("available", "in-use") if volume["multiattach"] else ("available",)
        told = f"Volume {volume['id']} status must be {' or '.join(may_be)} to reserve, but the current status is {volume['status']}."
        expect(volume["status"] in may_be, told)
        volume["status"] = "reserved"

    def _restore(self, one: Resource, backup_id: str, project: str) -> None:
        """What the backup has of its volume replaces what the new one was given: all metadata, and name and description where none were."""
        backup = self.by_id["backups"].get(backup_id)
        if backup is None or backup["project_id"] != project:
            raise Refused(404, f"Backup {backup_id} could not be found.")
        source = backup["_volume"]
        expect(one["size"] >= backup["size"], "Volume size is smaller than the backup's")
        one["content"] = source.get("content")
        if not one["name"]:
            one |= {"name": source["name"], "description": source["description"]}
        if source["metadata"]:
            one["metadata"] = dict(source["metadata"])
        if source.get("volume_image_metadata"):
            one["bootable"] = "true"
            one["volume_image_metadata"] = copy.deepcopy(source["volume_image_metadata"])

    # Backups

    def hold(self, volume: Resource, metadata: t.Mapping[str, str]) -> Resource:
        """Have a backup of another site's volume."""
        one = {
            "id": self._site.new_id(),
            "project_id": "ours",
            "name": "copy",
            "status": "available",
            "volume_id": volume["id"],
            "size": volume["size"],
            "metadata": dict(metadata),
            "object_count": 1,
            "container": "backups",
            "is_incremental": False,
            "has_dependent_backups": False,
            "created_at": "2026-01-01T12:00:00",
            "data_timestamp": "2026-01-01T12:00:00",
            "availability_zone": "nova",
            "_volume": copy.deepcopy(volume),
        }
        self.by_id["backups"][one["id"]] = one
        return one

    def _backups(self, request: Request, rest: tuple[str, ...]) -> Resource | None:
        mine = [one for one in self.by_id["backups"].values() if one["project_id"] == request.caller.project]
        shown = [{key: value for key, value in one.items() if not key.startswith("_")} for one in mine]
        if rest and rest[0] != "detail":
            found = [one for one in shown if one["id"] == rest[0]]
            expect(found, f"Backup {rest[0]} could not be found.", 404)
            if request.method == "DELETE":
                del self.by_id["backups"][rest[0]]
                return None
            return {"backup": found[0]}
        return {"backups": [] if request.query.get("marker") else shown}


def _shown(volume: Resource) -> Resource:
    return copy.deepcopy({key: value for key, value in volume.items() if key != "project_id"})


def _expect_metadata(metadata: t.Mapping[str, str]) -> None:
    valid = all(0 < len(key) <= LONGEST and isinstance(value, str) and len(value) <= LONGEST for key, value in metadata.items())
    expect(valid, "Invalid input for metadata")
