# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.place import Place
from ansible_collections.osdr.openstack.tests.unit.support import runs


@pytest.mark.parametrize("path", ["/reports", "/reports/"])
def test_in_a_directory_files_are_called_by_what_is_in_them(path):
    place = Place.of(path, runs.checkpoint())
    assert place.path(place.page) == "/reports/shop.2026-11-22-noon.checkpoint.html"
    assert place.path(place.document) == "/reports/shop.2026-11-22-noon.checkpoint.json"
    assert place.destination(place.page) == "/reports/"
    assert Place.of(path, runs.restore()).page == "shop.2026-11-22-noon.restore.html"


@pytest.mark.parametrize(("path", "document"), [("/reports/x.html", "/reports/x.json"), ("x.y.html", "x.y.json")])
def test_a_file_is_where_it_is_named(path, document):
    place = Place.of(path, runs.checkpoint())
    assert place.destination(place.page) == place.path(place.page) == path
    assert place.destination(place.document) == document


def test_a_name_that_is_only_an_ending_is_a_directory():
    assert Place.of("/reports/.html", runs.checkpoint()).directory == "/reports/.html"


def test_no_path_is_refused():
    with pytest.raises(InvalidInput, match="path is empty"):
        Place.of("", runs.checkpoint())


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b", ""])
def test_what_is_in_the_facts_does_not_lead_elsewhere(name):
    document = runs.manifest()
    document["application"]["name"] = name or "a b"
    with pytest.raises(InvalidInput):
        Place.of("/reports", runs.checkpoint(document))
