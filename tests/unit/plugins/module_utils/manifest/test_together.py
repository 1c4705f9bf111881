# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.together import Together
from ansible_collections.osdr.openstack.tests.unit.support import shop

PARTS = {"project": "ours", "projects": ["ours", "theirs"], "tiers": ["cache", "database", "middle", "front"]}


def document(**changes):
    made = shop.document()
    made["checkpoint"]["together"] = {**PARTS, **changes}
    return made


def test_a_part_knows_of_the_others_and_keeps_that():
    manifest = Manifest.parse(document())
    assert manifest.checkpoint.together == Together("ours", ("ours", "theirs"), ("cache", "database", "middle", "front"))
    assert Manifest.parse(manifest.as_dict()) == manifest


@pytest.mark.parametrize(("project", "is_leading"), [("ours", True), ("theirs", False)])
def test_the_first_one_leads(project, is_leading):
    assert Manifest.parse(document(project=project)).checkpoint.together.is_leading is is_leading


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"project": "foreign"}, "its project foreign is none of its parts' projects"),
        ({"projects": ["ours", "ours"]}, "the projects of its parts are not several different ones"),
        ({"projects": ["ours", "theirs", "ours"]}, "the projects of its parts are not several different ones"),
        ({"tiers": ["front", "database"]}, "its tiers are not in the order of the whole application"),
        ({"tiers": ["front"]}, "its tiers are not in the order of the whole application"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, told):
    with pytest.raises(ManifestInvalid, match=told):
        Manifest.parse(document(**changes))


def test_one_project_alone_is_not_together_with_others():
    with pytest.raises(ManifestInvalid, match="projects"):
        Manifest.parse(document(projects=["ours"]))


def test_manifests_that_know_nothing_of_projects_stay_valid():
    made = shop.document()
    del made["checkpoint"]["together"]
    for network in made["topology"]["networks"]:
        del network["owner"]
    assert Manifest.parse(made) == shop.manifest()
