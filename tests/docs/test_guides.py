# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guides find each other, messages are said by the code, pictures can be read, and figures add up."""

from __future__ import annotations

import ast
import datetime
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy
from ansible_collections.osdr.openstack.tests.docs import documents
from ansible_collections.osdr.openstack.tests.unit.test_layers import MAY_IMPORT

ROOT = documents.ROOT
PICTURES = sorted((ROOT / "docs" / "images").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
#: What WCAG 2 asks of text (AA).
LEAST_CONTRAST = 4.5


SHOWN_ON_GALAXY = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]


def in_repository(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=in_repository)
def test_links_lead_somewhere(document):
    for link in documents.links(document):
        target = documents.target(document, link)
        assert target is None or target.exists(), link
        anchor = link.partition("#")[2]
        assert not anchor or target is None or anchor in documents.anchors(target), link


@pytest.mark.parametrize("document", SHOWN_ON_GALAXY, ids=in_repository)
def test_what_galaxy_shows_leads_somewhere_from_there(document):
    assert [link for link in documents.links(document) if not link.startswith("https://")] == []


def test_galaxy_knows_where_everything_else_is():
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert galaxy["repository"] == galaxy["homepage"] == documents.REPOSITORY
    assert galaxy["issues"] == f"{documents.REPOSITORY}/issues"
    assert documents.target(ROOT / "galaxy.yml", galaxy["documentation"]).is_dir()


def test_the_readme_has_the_sections_of_certified_collections():
    wanted = ["Description", "Requirements", "Installation", "Use Cases", "Testing", "Support", "Contributing", "Release Notes and Roadmap"]
    headings = documents.headings(ROOT / "README.md")
    assert [one for one in headings if one in wanted] == wanted
    assert headings[-2:] == ["Related Information", "License Information"]


def test_the_readme_says_that_make_is_for_a_checkout():
    """Whoever has the collection from Galaxy has no Makefile."""
    sections = documents.read(ROOT / "README.md").split("\n## ")
    with_make = [one for one in sections if re.search(r"^make |`make ", one, re.MULTILINE)]
    assert with_make
    assert [one.splitlines()[0] for one in with_make if not re.search(r"checkout\s+of\s+the\s+repository", one)] == []


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=in_repository)
def test_what_is_defined_to_lead_somewhere_is_used_and_the_other_way_round(document):
    text = documents.prose(document)
    defined = set(re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE))
    body = re.sub(r"^\[[^\]]+\]: .*$", "", re.sub(r"`[^`]*`", "", text), flags=re.MULTILINE)
    used = {" ".join((label or text).split()) for text, label in re.findall(r"\[([^\]\[]+)\](?:\[([^\]]+)\])?(?![(\w])", body)}
    assert used == defined


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=in_repository)
def test_lines_fit_the_page(document):
    """Rows of tables cannot be broken; everything else can."""
    lines = enumerate(documents.read(document).splitlines(), 1)
    assert [number for number, line in lines if len(line) > 120 and not line.startswith(("|", "![", "["))] == []


def test_every_guide_is_listed_everywhere():
    names = {path.stem for path in documents.GUIDES}
    listed = (ROOT / "docs/docsite/rst/guides.rst").read_text()
    assert dict(re.findall(r"`(.+?) <https://github.com/osdr/openstack/blob/main/docs/([\w-]+)\.md>`__", listed)) == {
        documents.title(path): path.stem for path in documents.GUIDES
    }
    assert set(re.findall(r"^docs/([\w-]+)$", (ROOT / "docs/docsite/index.md").read_text(), re.MULTILINE)) == names
    assert set(re.findall(r"/blob/main/docs/([\w-]+)\.md$", (ROOT / "README.md").read_text(), re.MULTILINE)) == names


# The code map


def test_the_table_of_packages_is_what_is_enforced():
    section = documents.read(ROOT / "CONTRIBUTING.md").partition("| package | may import |")[2].partition("\n\n")[0]
    told = {}
    for packages, others in (line.strip("|").split("|") for line in section.splitlines() if "`" in line):
        named = set(re.findall(r"`(\w+)`", others))
        for package in re.findall(r"`(\w+)`", packages):
            told[package] = set(MAY_IMPORT) - {package, *named} if "all others" in others else named
    assert told == MAY_IMPORT


# Messages


def text_of(node):
    """A string of the code as it is said, with an ellipsis for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def said():
    """All that the collection says, one message a line."""
    for path in [*ROOT.glob("plugins/module_utils/**/*.py"), *ROOT.glob("plugins/modules/*.py")]:
        yield from (text_of(node) for node in ast.walk(ast.parse(path.read_text())))
    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        for key, value in documents.strings(yaml.safe_load(path.read_text())):
            if key in ("msg", "fail_msg"):
                yield re.sub(r"\{\{.*?\}\}", "…", " ".join(value.split()))


def test_every_message_is_said_by_the_code():
    guide = documents.read(ROOT / "docs" / "troubleshooting.md")
    messages = re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE)
    everything = "\n".join(said())
    assert len(messages) > 30
    assert [message for message in messages if message not in everything] == []


# Pictures


def test_every_picture_is_shown():
    shown = {match for path in documents.GUIDES for match in re.findall(r"!\[[^\]]+\]\(images/([\w-]+\.svg)\)", documents.read(path))}
    assert shown == {path.name for path in PICTURES}


@pytest.mark.parametrize("picture", PICTURES, ids=in_repository)
def test_a_picture_needs_nothing_else_and_says_what_it_shows(picture):
    root = xml.parse(picture).getroot()
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {"svg", "title", "desc", "style", "rect", "path", "text"}
    assert not [name for one in root.iter() for name in one.keys() if "href" in name]
    assert "url(" not in picture.read_text() and "@import" not in picture.read_text()
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    width, height = float(root.get("width")), float(root.get("height"))
    assert all(0 <= float(one.get("x")) < width and 0 < float(one.get("y")) < height for one in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("picture", PICTURES, ids=in_repository)
def test_texts_of_a_picture_can_be_told_from_what_is_behind_them(picture):
    light, dark = xml.parse(picture).getroot().find(f"{SVG}style").text.split("@media (prefers-color-scheme: dark)")
    for colours in (fills(light), {**fills(light), **fills(dark)}):
        texts = {colours.pop("text"), colours.pop(".small")}
        behind = set(colours.values()) - {colours.pop(".tip")}
        assert len(behind) > 4
        assert min(contrast(one, other) for one in texts for other in behind) >= LEAST_CONTRAST


def fills(style):
    return dict(re.findall(r"(text|\.\w+) \{[^}]*fill: (#\w{6})", style))


def luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# Figures


def most_kept(hours, keep, full_every, phase):
    """How many chains and increments a policy keeps at most, for one place of a full backup in the day."""
    policy, times, alive, most = Policy.parse(keep), {}, set(), (0, 0)
    count = 24 * (20 if hours == 1 else 800) // hours
    for now in range(count):
        times[now] = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=hours * now)
        alive = set(policy.choose({one: times[one] for one in alive | {now}}))
        needed = {link for one in alive for link in range(max(0, one - (one + phase) % full_every), one + 1)}
        chains = {(link + phase) // full_every for link in needed}
        most = max(most[0], len(chains)), max(most[1], len(needed) - len(chains))
    return most


ROW = re.compile(r"^\| (\d+) h \| `(\{.+?\})` \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


@pytest.mark.parametrize("row", ROW.findall(documents.read(ROOT / "docs" / "planning.md")), ids=lambda row: f"{row[0]} h {row[1]}")
def test_what_a_policy_keeps_is_what_the_plan_says(row):
    hours, keep, full_every, chains, increments = row
    found = [most_kept(int(hours), yaml.safe_load(keep), int(full_every), phase) for phase in range(int(full_every))]
    assert (max(one[0] for one in found), max(one[1] for one in found)) == (int(chains), int(increments))


def test_there_are_plans():
    assert len(ROW.findall(documents.read(ROOT / "docs" / "planning.md"))) == 4


# Installing


def test_the_image_of_the_guide_has_the_paste_file_that_the_role_makes():
    """Both ways must lead to the same."""
    variables = yaml.safe_load((ROOT / "roles/nova_quiesce_api/vars/main.yml").read_text())
    patterns = variables["__nova_quiesce_api_patterns"]
    defined = re.sub(patterns["before"], variables["__nova_quiesce_api_section"] + patterns["kept"], PASTE)
    by_role = re.sub(patterns["behind"], patterns["inserted"], defined)
    image = next(block.text for block in documents.blocks() if block.language == "dockerfile")
    sed = re.search(r"sed -i (-e .*?) /etc/nova/api-paste.ini", image.replace("\\\n", " ")).group(1)
    by_image = subprocess.run(["sh", "-c", f"sed {sed}"], input=PASTE, capture_output=True, text=True, check=True).stdout
    assert by_image == by_role != PASTE


PASTE = """\
[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler bees_knees authtoken keystonecontext osapi_compute_app_v21
noauth2 = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler bees_knees noauth2 osapi_compute_app_v21

[composite:openstack_compute_api_v21_legacy_v2_compatible]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log authtoken keystonecontext legacy_v2_compatible osapi_compute_app_v21

[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
"""
