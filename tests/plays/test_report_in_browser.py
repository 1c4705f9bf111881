# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of runs as their readers have them: on a phone, on a screen, in the dark, on paper."""

from __future__ import annotations

import re
import struct
import zlib

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page
from ansible_collections.osdr.openstack.tests.plays.browser import Browser
from ansible_collections.osdr.openstack.tests.unit.support import runs, sites

PHONE, LARGE_PHONE, TABLET, SCREEN = 360, 390, 700, 1200
#: What WCAG 2 asks of text (AA).
LEAST_CONTRAST = 4.5
NOTHING_KNOWN = {"evidence": {}, "consistency": "crash"}
PAGES = {
    "checkpoint": run_page.html(runs.checkpoint(warnings=["Volume 'payments-db-data' is encrypted."])),
    "restore": run_page.html(runs.restore()),
    "hostile checkpoint": run_page.html(runs.checkpoint(runs.renamed(runs.manifest(), runs.HOSTILE), tuple(runs.HOSTILE.values()))),
    "hostile restore": run_page.html(
        runs.restore(
            runs.renamed(runs.manifest(), runs.HOSTILE),
            runs.HOSTILE.values(),
            volumes=runs.renamed(runs.volume_results(), runs.HOSTILE),
            servers=runs.renamed(runs.server_results(), runs.HOSTILE),
            site=runs.HOSTILE["payments-db"],
        )
    ),
    "nothing known": run_page.html(runs.checkpoint(runs.manifest(**NOTHING_KNOWN), restorable_at="")),
    "fifty servers": run_page.html(runs.checkpoint(runs.fleet(50))),
    "site": run_page.site_html(sites.status()),
    "hostile site": run_page.site_html(sites.hostile(runs.HOSTILE)),
    "nothing known of a site": run_page.site_html({}),
    "hundred applications": run_page.site_html(sites.many(100)),
}
VIEWS = [(name, width) for name in PAGES for width in (PHONE, LARGE_PHONE, TABLET, SCREEN)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    return Browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def look(request, browser):
    # Escaping alone must do, without the policy that the page brings.
    unprotected = [(re.sub(r"<meta http-equiv=[^>]*>", "", PAGES[name]), width) for name, width in VIEWS]
    found = browser.measure(unprotected, dark=request.param)
    return {"is_dark": request.param, "hurt": found["hurt"], "seen": dict(zip(VIEWS, found["seen"], strict=True))}


def test_nothing_reaches_beyond_the_edge(look):
    assert {view: seen["width"] for view, seen in look["seen"].items()} == {view: view[1] for view in VIEWS}
    assert {view: (seen["scrollWidth"], seen["beyond"]) for view, seen in look["seen"].items()} == {view: (view[1], []) for view in VIEWS}


def test_every_text_can_be_told_from_what_is_behind_it(look):
    assert {view: seen["contrast"] for view, seen in look["seen"].items() if seen["contrast"][0] < LEAST_CONTRAST} == {}


def test_nothing_in_a_page_runs(look):
    assert not look["hurt"]
    assert {seen["scripts"] for seen in look["seen"].values()} == {0}
    assert runs.HOSTILE["orders-db"] in look["seen"]["hostile restore", SCREEN]["text"]
    assert look["seen"]["hostile site", SCREEN]["text"].count(runs.HOSTILE["orders-db"]) >= len(("what to do", "an application", "a server"))


def test_the_page_is_dark_for_who_wants_it_so(look):
    brightness = {sum(map(int, re.findall(r"\d+", seen["background"]))) / 3 for seen in look["seen"].values()}
    assert (max(brightness) < 64) if look["is_dark"] else (min(brightness) > 192)


@pytest.mark.parametrize(("width", "height"), [(PHONE, 800), (SCREEN, 900)])
def test_a_picture_shows_the_time_line(browser, width, height):
    """The colours of its bars are in it, so it was drawn."""
    size, colours = pixels(browser.screenshot(PAGES["restore"], width, height))
    assert size == (width, height)
    assert {bytes.fromhex(colour) for colour in ("2a857b", "5b8fd0", "5a9c4d")} <= colours


def test_it_prints_on_few_pages_and_light(browser):
    document = browser.printed(PAGES["checkpoint"])
    assert document.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 3


def pixels(png):
    """Size and colours of a picture with eight bits per colour and no palette."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) in ((8, 2), (8, 6))
    step = 3 if kind == 2 else 4
    data, offset = b"", 8
    while offset < len(png):
        (length,), name = struct.unpack(">I", png[offset : offset + 4]), png[offset + 4 : offset + 8]
        data += png[offset + 8 : offset + 8 + length] if name == b"IDAT" else b""
        offset += length + 12
    rows = _rows(zlib.decompress(data), width * step, step)
    return (width, height), {bytes(row[at : at + 3]) for row in rows for at in range(0, len(row), step)}


def _rows(raw, size, step):
    above = bytearray(size)
    for start in range(0, len(raw), size + 1):
        row = bytearray(raw[start + 1 : start + 1 + size])
        _undo_filter(raw[start], row, above, step)
        yield row
        above = row


def _undo_filter(kind, row, above, step):
    for at in range(len(row)) if kind else ():
        left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
        row[at] = (row[at] + _predicted(kind, left, above[at], corner)) & 255


def _predicted(kind, left, up, corner):
    if kind == 4:
        return min((left, up, corner), key=lambda one: abs(left + up - corner - one))
    return (0, left, up, (left + up) // 2)[kind]
