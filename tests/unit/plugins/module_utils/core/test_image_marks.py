# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is ours only if its mark is its own, and what travels with a copy is what its guest needs."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import image_marks
from ansible_collections.osdr.openstack.plugins.module_utils.core.image_marks import CopyMark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Image, ImageCopy

MARK = CopyMark("copy", "source", "web", 20, {"osdr_application": "shop"}, "abc")
#: What no copy takes along, each of which Nova, Glance or another site has written.
OF_SITE = (
    *("osdr_set", "os_glance_importing_to_stores", "owner_id", "owner_specified.openstack.md5", "base_image_ref", "image_location", "image_state"),
    *("image_type", "instance_uuid", "instance_owner_id", "user_id", "boot_roles", "bdm_v2", "block_device_mapping", "img_signature"),
    *("img_signature_key_type", "cinder_encryption_key_id", "kernel_id", "ramdisk_id", "root_device_name"),
)
OF_GUEST = {"hw_disk_bus": "virtio", "os_distro": "debian", "img_config_drive": "mandatory", "owner": "guest", "x_osdr_": "y"}


def image(image_id="copy", **properties):
    return Image(image_id, "name", "active", "2026-01-01T00:00:00Z", properties)


def marked(**changes):
    """A copy whose mark has been changed by somebody."""
    return image(osdr_copy=json.dumps({**dataclasses.asdict(MARK), **changes}))


def test_an_image_that_nova_made_for_a_set_says_of_which_server_it_is():
    properties = image_marks.root_properties("web", 20)
    assert properties == {"osdr_root": "web", "osdr_root_size": "20"}
    made = image("made", **properties, instance_uuid="web")
    assert (image_marks.root_of(made), image_marks.root_size(made)) == ("web", 20)


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({}, id="it has no mark"),
        pytest.param({"osdr_root": "web"}, id="Nova has not made it"),
        pytest.param({"osdr_root": "web", "instance_uuid": "db"}, id="Nova made it of a server that was made of one"),
        pytest.param({"instance_uuid": "web"}, id="Nova made it for somebody else"),
        pytest.param({"osdr_root": "", "instance_uuid": ""}, id="it is of no server"),
    ],
)
def test_an_image_that_has_inherited_a_mark_is_nobodys(properties):
    assert image_marks.root_of(image(**properties)) is None
    assert image_marks.part_of(image(**properties)) is None


@pytest.mark.parametrize("size", [{}, {"osdr_root_size": ""}, {"osdr_root_size": "-1"}, {"osdr_root_size": "large"}])
def test_a_size_that_is_not_told_is_none(size):
    assert image_marks.root_size(image(**size)) == 0


def test_a_mark_is_read_as_it_was_written():
    properties = MARK.properties()
    assert properties.keys() == {"osdr_copy"}
    assert CopyMark.on(image(**properties)) == MARK
    # It shares its place with pieces of a manifest.
    assert " " not in properties["osdr_copy"]


def test_the_mark_of_another_image_makes_none_ours():
    assert CopyMark.on(image("made of it", **MARK.properties())) is None


@pytest.mark.parametrize(
    "changes",
    [
        *({"of": 1}, {"root": None}, {"digest": 7}, {"size": "20"}, {"size": 2.5}, {"size": True}),
        *({"metadata": "shop"}, {"metadata": ["osdr"]}, {"metadata": {"osdr_application": 1}}),
    ],
)
def test_a_mark_of_which_any_part_makes_no_sense_is_none(changes):
    assert CopyMark.on(marked()) == MARK
    assert CopyMark.on(marked(**changes)) is None


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", "null", '{"image": "copy"}'])
def test_what_is_no_mark_is_none(text):
    assert CopyMark.on(image(osdr_copy=text)) is None
    assert CopyMark.on(image()) is None


def test_a_copy_has_what_its_guest_needs_and_nothing_of_the_other_site():
    assert image_marks.travelling(image(**dict.fromkeys(OF_SITE, "x"), **OF_GUEST)) == OF_GUEST


@pytest.mark.parametrize("name", OF_SITE)
def test_each_of_them_stays_behind(name):
    assert image_marks.travelling(image(**{name: "x"})) == {}


def test_what_others_see_of_an_image_is_without_our_marks():
    properties = {"osdr_root": "web", "osdr_copy": "{}", **OF_GUEST}
    assert image_marks.unmarked_properties(properties) == OF_GUEST


def test_copies_and_what_they_are_made_of_are_parts():
    assert image_marks.part_of(image(**MARK.properties())) == ImageCopy(
        "copy", "name", "web", "active", "2026-01-01T00:00:00Z", {"osdr_application": "shop"}, "source"
    )
    marks = {"osdr_application": "shop", "osdr_checkpoint": "noon"}
    made = image("made", **image_marks.root_properties("web", 20), **marks, instance_uuid="web", os_distro="debian")
    assert image_marks.part_of(made) == ImageCopy("made", "name", "web", "active", "2026-01-01T00:00:00Z", marks, "")
    unmarked = image("made", **image_marks.root_properties("web", 20), instance_uuid="web")
    assert image_marks.part_of(unmarked).metadata == {}
