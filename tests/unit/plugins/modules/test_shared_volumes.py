# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume that several servers have travels from site to site: it is there once, on all of them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OURS, MemorySite

NAMES = ("one", "two", "three")
FOR_SEVERAL = {"multiattach": "<is> True"}


class Cluster:
    """Three servers with a disk each at the primary site, of which some share a volume.

    :param sharing: the names of these.
    :param tiers: the names of the servers per tier.
    """

    def __init__(self, sharing=NAMES, tiers=(NAMES,)):
        self.primary, self.remote = MemorySite("primary"), MemorySite("remote")
        for site in (self.primary, self.remote):
            site.cinder.types["shared"] = dict(FOR_SEVERAL)
            site.nova.flavor("small", 1, 512)
        self.shared = self.primary.cinder.create({"name": "quorum", "size": 2, "volume_type": "shared"}, OURS)
        self.servers = {name: self._server(name, [self.shared] if name in sharing else []) for name in NAMES}
        definition = [{"name": f"tier{place}", "servers": list(names)} for place, names in enumerate(tiers)]
        self.definition = {"name": "shop", "tiers": definition}
        self.here, self.there = Modules(self.primary), Modules(self.remote)

    def _server(self, name, shared):
        root = self.primary.cinder.create({"name": f"{name}-root", "size": 1}, OURS)
        root["bootable"] = "true"
        flavor = next(iter(self.primary.nova.by_id["flavors"]))
        mapping = [{"uuid": one["id"], "boot_index": 0 if one is root else -1, "delete_on_termination": False} for one in [*shared, root]]
        body = {"server": {"name": name, "flavorRef": flavor, "networks": "none", "block_device_mapping_v2": mapping}}
        made = self.primary.ask("nova", "POST", "servers", body)
        return self.primary.nova.by_id["servers"][made["server"]["id"]]

    def manifest(self):
        return json.loads(json.dumps(manifest_of(self.here.captured(self.definition), self.primary, self.remote)))

    def restored(self):
        """Per name of a server at the remote site the names of its volumes, in the order of its devices."""
        volumes = self.remote.cinder.by_id["volumes"]
        servers = self.remote.nova.by_id["servers"].values()
        return {one["name"]: [volumes[there["volume_id"]]["name"] for there in sorted(one["_volumes"], key=lambda there: there["device"])] for one in servers}


@pytest.fixture(params=[False, True], ids=["built at once", "built one after the other"])
def cluster(request):
    made = Cluster()
    made.remote.nova.is_slow = request.param
    return made


@pytest.mark.parametrize("tiers", [(NAMES,), (("one",), ("two", "three")), (("three",), ("two",), ("one",))])
def test_a_volume_of_several_servers_comes_back_once_and_on_all_of_them(cluster, tiers):
    cluster.definition["tiers"] = [{"name": f"tier{place}", "servers": list(names)} for place, names in enumerate(tiers)]
    manifest = cluster.manifest()
    assert cluster.there.checked(manifest) == []
    assert cluster.there.restored(manifest)
    assert cluster.restored() == {name: [f"{name}-root", "quorum"] for name in NAMES}
    (quorum,) = [one for one in cluster.remote.cinder.by_id["volumes"].values() if one["name"] == "quorum"]
    assert {one["server_id"] for one in quorum["attachments"]} == set(cluster.remote.nova.by_id["servers"])
    assert (quorum["status"], quorum["volume_type"], quorum["multiattach"]) == ("in-use", "shared", True)
    cluster.remote.writes.clear()
    assert not cluster.there.restored(manifest)
    assert cluster.remote.writes == []


def test_its_copy_and_its_name_are_in_the_manifest_once():
    manifest = Cluster().manifest()
    assert len(manifest["copies"]) == 4
    assert [[volume["name"] for volume in server["volumes"]] for server in manifest["servers"]] == [[f"{name}-root", "quorum"] for name in NAMES]


@pytest.mark.parametrize("specs", [{}, {"multiattach": "<is> False"}, {"multiattach": "True"}])
def test_a_remote_type_for_one_server_is_refused_by_the_check_as_cinder_would(specs):
    cluster = Cluster()
    cluster.remote.cinder.types["shared"] = specs
    manifest = cluster.manifest()
    (problem,) = cluster.there.checked(manifest)
    assert "Volume 'quorum' of servers 'one' and 'two' and 'three' cannot be attached to all of them at site 'remote'" in problem
    with pytest.raises(DrError, match="to reserve, but the current status is in-use|restore the volumes first"):
        cluster.there.restored(manifest)


def test_a_server_that_failed_is_replaced_while_the_others_keep_the_volume():
    cluster = Cluster()
    manifest = cluster.manifest()
    cluster.there.restored(manifest)
    failed = next(one for one in cluster.remote.nova.by_id["servers"].values() if one["name"] == "two")
    failed |= {"status": "ERROR", "OS-EXT-STS:vm_state": "error"}
    assert cluster.there.restored(manifest)
    assert cluster.restored() == {name: [f"{name}-root", "quorum"] for name in NAMES}
    assert failed["id"] not in cluster.remote.nova.by_id["servers"]


def test_a_volume_for_several_that_one_server_has_needs_nothing_else():
    cluster = Cluster(sharing=("two",))
    cluster.remote.cinder.types["shared"] = {}
    manifest = cluster.manifest()
    assert cluster.there.checked(manifest) == []
    assert cluster.there.restored(manifest)
    assert cluster.restored()["two"] == ["two-root", "quorum"]


def test_a_server_in_no_tier_that_has_the_volume_is_named_and_gets_none():
    cluster = Cluster(tiers=(NAMES[:2],))
    manifest = cluster.manifest()
    assert f"volume quorum ({cluster.shared['id']}): attachments (server {cluster.servers['three']['id']})" in " ".join(cluster.here.warnings)
    assert cluster.there.checked(manifest) == []
    cluster.there.restored(manifest)
    assert cluster.restored() == {name: [f"{name}-root", "quorum"] for name in NAMES[:2]}


def test_a_server_that_is_restored_alone_gets_it_and_the_others_later():
    cluster = Cluster()
    manifest = cluster.manifest()
    cluster.there.restored(manifest, servers=["two"])
    assert cluster.restored() == {"two": ["two-root", "quorum"]}
    assert cluster.there.restored(manifest)
    assert cluster.restored() == {name: [f"{name}-root", "quorum"] for name in NAMES}
    assert [one["name"] for one in cluster.remote.cinder.by_id["volumes"].values()].count("quorum") == 1


def test_a_drill_has_a_copy_of_its_own_on_all_its_servers():
    cluster = Cluster()
    manifest = cluster.manifest()
    cluster.there.restored(manifest)
    cluster.there.restored(manifest, drill="7")
    copies = [one for one in cluster.remote.cinder.by_id["volumes"].values() if "quorum" in one["name"]]
    assert [len(one["attachments"]) for one in copies] == [3, 3]
    assert len({there["server_id"] for one in copies for there in one["attachments"]}) == 6


def test_it_travels_back_as_it_came():
    cluster = Cluster()
    cluster.there.restored(cluster.manifest())
    home = MemorySite("home")
    home.cinder.types["shared"] = dict(FOR_SEVERAL)
    home.nova.flavor("small", 1, 512)
    back = json.loads(json.dumps(manifest_of(cluster.there.captured(cluster.definition), cluster.remote, home)))
    cluster.remote, cluster.there = home, Modules(home)
    assert cluster.there.checked(back) == []
    cluster.there.restored(back)
    assert cluster.restored() == {name: [f"{name}-root", "quorum"] for name in NAMES}


def test_in_memory_a_volume_for_one_has_one_as_in_cinder():
    cluster = Cluster(sharing=())
    plain = cluster.primary.cinder.create({"name": "plain", "size": 1}, OURS)
    cluster._server("four", [plain])
    with pytest.raises(Exception, match="status must be available to reserve, but the current status is in-use"):
        cluster._server("five", [plain])
