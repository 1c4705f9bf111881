# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring servers that boot from images."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import MappingInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor, ImageCopy, NamedFlavor
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy, Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.apply import apply
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.preflight import judge
from ansible_collections.osdr.openstack.plugins.module_utils.restore.server_plan import choose_flavor, why_no_flavor
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

IMAGE = ImageCopy(shop.uuid(77), "root", shop.uuid(11), "active", "", {})


def with_image(**flavor):
    """The shop, whose database server boots from an image and has its volumes beside it."""
    document = shop.document()
    server = next(one for one in document["servers"] if one["name"] == "orders-db")
    server["flavor"] = {**server["flavor"], **flavor}
    root = {**server["volumes"][0], "source_id": server["source_id"], "name": "root disk of orders-db", "size": 5, "volume_type": "", "is_image": True}
    server["volumes"].insert(0, root)
    copy = Copy(server["source_id"], "glance_image", IMAGE.id, (IMAGE.id,), 5, False, 1)
    document["copies"].append({**dataclasses.asdict(copy), "chain": list(copy.chain)})
    return Manifest.parse(document)


def plan(manifest=None, **site):
    return RestorePlan.of(manifest or with_image(), shop.prepared_site(**site))


def problems(manifest=None, parts=(IMAGE,), **site):
    known = {one: backup(one, id=one) for copy in shop.manifest().copies for one in copy.chain}
    known |= {part.id: part for part in parts}
    planned = plan(manifest, **site)
    stock = Stock(planned.site, known, ("ceph",), {"volume": {}, "compute": {}, "network": {}}, shop.ZONES)
    return list(judge(planned, stock).problems)


def step_of(planned, name="orders-db"):
    return next(step for step in planned.servers if step.spec.name == name)


def test_no_volume_is_made_of_a_root_disk_that_is_none():
    before = RestorePlan.of(shop.manifest(), shop.prepared_site())
    assert [step.spec.source_id for step in plan().volumes] == [step.spec.source_id for step in before.volumes]


def test_a_root_disk_becomes_a_volume_where_a_mapping_says_so():
    manifest = apply(with_image(disk=50), SiteMapping.parse({"schema_version": 1, "root_disks": {"orders-db": "volume"}})).manifest
    planned = plan(manifest, flavors=FLAVORS)
    root = next(step for step in planned.volumes if step.copy.method == "glance_image")
    assert (root.servers, root.action, root.copy.copy_id, root.body()["size"]) == (("orders-db",), Action.CREATE, IMAGE.id, 5)
    assert "volume_type" not in root.body()
    asked = []
    storage = SimpleNamespace(create_volume_from_image=lambda image_id, body: asked.append((image_id, body)))
    methods.method_of(root.copy).create_volume(storage, root.copy, root.body())
    assert asked == [(IMAGE.id, root.body())]
    step = step_of(planned)
    # The flavor need not have a root disk then.
    assert (step.image, step.flavor.id, step.spec.attached[0].source_id) == (None, "f5", step.spec.source_id)


@pytest.mark.parametrize("told", ["image", None])
def test_a_root_disk_stays_an_image_otherwise(told):
    given = {"root_disks": {"orders-db": told}} if told else {}
    assert apply(with_image(), SiteMapping.parse({"schema_version": 1, **given})).manifest == with_image()
    assert SiteMapping.parse({"schema_version": 1, **given}).as_dict() == {"schema_version": 1, **given}


@pytest.mark.parametrize("wrong", [{"orders-db": "disk"}, {"orders-db": None}, ["orders-db"]])
def test_what_a_root_disk_cannot_become_is_refused(wrong):
    with pytest.raises(MappingInvalid, match="root_disks"):
        SiteMapping.parse({"schema_version": 1, "root_disks": wrong})


FLAVORS = (Flavor("f5", "small", 2, 1024, 5, 0, 0), Flavor("f9", "large", 2, 1024, 9, 0, 0))


def test_a_server_boots_from_the_copy_of_its_image_and_has_its_volumes_behind_it():
    step = step_of(plan(with_image(disk=5), flavors=FLAVORS))
    volumes = tuple(dataclasses.replace(shop.restored_volumes()[number], id=f"made-{number}") for number in range(len(step.spec.attached)))
    body = dataclasses.replace(step, volumes=volumes).body(["port"])
    assert body["image_id"] == IMAGE.id
    root, *others = body["block_device_mapping"]
    assert root == {"boot_index": 0, "uuid": IMAGE.id, "source_type": "image", "destination_type": "local", "delete_on_termination": True}
    assert [(one["boot_index"], one["uuid"], one["source_type"]) for one in others] == [(-1, one.id, "volume") for one in volumes]


def test_a_server_that_boots_from_a_volume_names_no_image():
    step = step_of(plan(), "shop-front")
    assert step.image is None
    volumes = tuple(shop.restored_volumes()[:len(step.spec.attached)])
    body = dataclasses.replace(step, volumes=volumes, flavor=FLAVORS[0]).body(["port"])
    assert "image_id" not in body
    assert body["block_device_mapping"][0]["boot_index"] == 0


@pytest.mark.parametrize(("disk", "chosen"), [(5, "f5"), (6, "f9"), (10, None)])
def test_the_root_disk_of_the_flavor_must_be_as_large(disk, chosen):
    wanted = Flavor("", "small", 1, 128, disk, 0, 0)
    found = choose_flavor(wanted, FLAVORS, True)
    assert (found and found.id) == chosen
    assert choose_flavor(wanted, FLAVORS).id == "f5"


def test_a_flavor_that_is_too_small_is_told_with_its_disk():
    found = problems(with_image(disk=50), flavors=FLAVORS)
    assert any("a disk of 50 GiB" in problem for problem in found), found
    assert why_no_flavor(Flavor("", "small", 1, 128, 50, 0, 0), FLAVORS, True) == ""


def test_a_copy_that_is_not_there_is_a_problem_until_the_server_is():
    manifest = with_image(disk=5)
    assert problems(manifest, flavors=FLAVORS) == problems(shop.manifest(), flavors=FLAVORS)
    found = problems(manifest, parts=(), flavors=FLAVORS)
    expected = f"Image {IMAGE.id}, needed for the root disk of server 'orders-db', is missing at site 'remote'; copy it again (os_backup_replicate)"
    assert [problem for problem in found if problem.startswith(expected)]
    saving = problems(manifest, parts=(dataclasses.replace(IMAGE, status="saving"),), flavors=FLAVORS)
    assert [problem for problem in saving if "is saving at site 'remote'" in problem]


def tiny(flavor):
    return NamedFlavor(**{**dataclasses.asdict(flavor), "name": "tiny"})


def test_a_flavor_that_a_mapping_names_must_have_a_root_disk_as_large():
    manifest = with_image(disk=5)
    servers = tuple(dataclasses.replace(one, flavor=tiny(one.flavor)) if one.root_image else one for one in manifest.description.servers)
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, servers=servers))
    found = problems(manifest, flavors=(*FLAVORS, Flavor("t", "tiny", 8, 8192, 4, 0, 0)))
    assert [problem for problem in found if "whose root disk at site 'remote' has 4 GiB, and the server's has 5 GiB" in problem], found
    found = problems(manifest, flavors=(*FLAVORS, Flavor("t", "tiny", 8, 8192, 5, 0, 0)))
    assert not [problem for problem in found if "whose root disk" in problem]
