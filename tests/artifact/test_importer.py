# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy says of the artifact."""

from __future__ import annotations

import html.parser
import json

import pytest
from working_tree import ROOT


@pytest.fixture(scope="module")
def imported(packaging, artifact, tmp_path_factory):
    place = tmp_path_factory.mktemp("import")
    settings = place / "galaxy-importer.cfg"
    settings.write_text("[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\n")
    packaging.variables["GALAXY_IMPORTER_CONFIG"] = str(settings)
    done = packaging.run("python", "-m", "galaxy_importer.main", artifact, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr, json.loads((place / "importer_result.json").read_text())


@pytest.mark.campaign
def test_there_are_no_warnings(imported):
    said, _result = imported
    assert [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR"))] == []


class Links(html.parser.HTMLParser):
    """Where a page leads to, and what it shows."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src")]


@pytest.mark.campaign
def test_what_is_shown_leads_somewhere_from_there(imported):
    _said, result = imported
    pages = [result["docs_blob"]["collection_readme"]["html"], *(one["readme_html"] for one in result["docs_blob"]["contents"] if one["readme_html"])]
    assert len(pages) == 1 + len(list((ROOT / "roles").iterdir()))
    links = [link for page in pages for link in Links(page).found]
    assert len(links) > len(pages)
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.campaign
def test_everything_is_listed(imported):
    _said, result = imported
    listed = {(one["content_type"], one["name"]) for one in result["contents"]}
    wanted = {
        *(("module", path.stem) for path in (ROOT / "plugins" / "modules").glob("*.py")),
        *(("role", path.name) for path in (ROOT / "roles").iterdir()),
        *(("playbook", path.name) for path in (ROOT / "playbooks").iterdir()),
    }
    assert wanted - listed == set()
