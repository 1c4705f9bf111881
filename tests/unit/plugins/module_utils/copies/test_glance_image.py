# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy of this kind is and needs; how it is made is a matter of its copying."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.copies.glance_image import GlanceImage
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import ImageCopy
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import FakeGlance, cloud_with_images

COPY = Copy("web", "glance_image", "image", ("image",), 20, False, 1)
PARTS = [ImageCopy(one, one, "web", "active", "2026-01-01T00:00:00Z", {}) for one in ("image", "other")]


@pytest.fixture
def method():
    return methods.method_of(COPY)


def test_a_copy_is_one_image_that_needs_no_other(method):
    assert isinstance(method, GlanceImage)
    assert (method.needs(COPY), method.carriers(COPY), method.label(COPY)) == (("image",), ("image",), "image image")
    assert method.part_label("image") == "Image image"
    assert methods.bases(PARTS[:1], PARTS) == set()
    assert methods.removal_order(PARTS) == [[PARTS[0]], [PARTS[1]]]


def test_a_report_says_what_it_consists_of():
    assert methods.extent({"method": "glance_image"}) == "1 image"


def test_a_copy_that_is_yet_to_be_made_needs_nothing_and_is_no_increment():
    assert methods.pending("web", 20, is_image=True) == Copy("web", "glance_image", "", (), 20, False, 0)


def test_a_volume_is_made_of_its_image(method):
    storage = SimpleNamespace(create_volume_from_image=lambda image_id, body: (image_id, body))
    assert method.create_volume(storage, COPY, {"name": "root"}) == ("image", {"name": "root"})


def test_who_is_told_that_it_is_missing_is_told_what_to_do(method):
    assert method.remedy == "copy it again (os_backup_replicate)"
    assert "Glance" in method.where_to_look


def test_an_image_that_is_gone_is_gone_and_one_that_is_there_is_waited_for(method):
    glance = FakeGlance()
    glance.add("image")
    storage = SimpleNamespace(cloud=cloud_with_images("remote", glance=glance))
    assert (method.is_gone(storage, PARTS[0]), method.is_gone(storage, PARTS[1])) == (None, True)
