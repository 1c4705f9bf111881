# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that clouds let people give, and that would hurt whoever takes them for markup, a template, a path or a mark.

Each attempt gives the application other names, at the source and by a mapping at the site, and has them go through manifests, mappings, drills, marks,
metrics and reports. A name must come out as it went in, be refused, or stand as text.
"""

from __future__ import annotations

import contextlib
import functools
import html.parser
import json
import re
import typing as t
from unittest import mock

import counting
import jinja2
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.drill_record import DrillRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core import marking, prometheus
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark, drill_name
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping, used_names
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page
from ansible_collections.osdr.openstack.tests.unit.support import runs, shop

#: What a template engine that evaluates one of the names would leave.
PRODUCT = "5332114"
PARTS = (
    *("{{ 1234*4321 }}", "{% raw %}", "{# #}", "${1234*4321}", "$(id)", "`id`", ";reboot", "| id", "-rf", "--", "~", "%s{0}"),
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x", "</title></style>"),
    *("../../etc/passwd", "/", "\\", "..", "\0", "\n", "\r\nX: y", "\t", " ", "\x1b[2J", "\u202e", "\u2028"),
    *("!unsafe x", "&a *a", "!!python/object:x", "# x", "- x", ": x", "yes", "null", "1e3"),
    *("osdr_drill=8", "osdr_application=bank osdr_checkpoint=x", "é", "لوحة", "😀", "W" * 120, "shop", "orders-db", "latest", ""),
)
#: Which names of the example are changed.
NAMES = ("shop-net", "shop-subnet", "shop-router", "public", "shop-apart", "ceph", "nova", "lab.small", "lab.db", "orders-db", "payments-db", "shop-front")
MARKS = (Mark("shop", "noon"), Mark("shop", "noon", shop.uuid(1)), Mark("shop", "noon", shop.uuid(1), "7"))
SAMPLE = re.compile(r'\{application="((?:[^"\\\n]|\\["\\n])*)"\}')


def hostile(dice):
    return "".join(dice.choice(PARTS) for _part in range(dice.choice((1, 1, 2, 3))))[: dice.choice((40, 255, 300))]


class Tags(html.parser.HTMLParser):
    """Which elements a page has, with which attributes."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {(tag, name) for name, _value in attrs} | {(tag, "")}

    @classmethod
    def of(cls, text):
        read = cls()
        read.feed(text)
        return read.found


def pages(names):
    """The reports of a checkpoint and a restore with other names."""
    for run in (
        lambda: runs.checkpoint(runs.renamed(runs.manifest(), names), list(names.values())),
        lambda: runs.restore(runs.renamed(runs.manifest(), names), list(names.values()), servers=runs.renamed(runs.server_results(), names)),
    ):
        with contextlib.suppress(DrError):
            yield run()


@functools.cache
def clean_tags():
    """What pages have whose names are long and odd, but harmless."""
    some = [{}, {name: "x" * 200 for name in NAMES[:4]}, {name: "é ä" for name in NAMES}, dict.fromkeys(NAMES[-3:], "")]
    return frozenset(tag for names in some for run in pages(names) for tag in Tags.of(page.html(run)))


def judged_reports(names) -> t.Iterator[str]:
    for run in pages(names):
        text = page.html(run)
        if strange := Tags.of(text) - clean_tags():
            yield f"the page of a {run.kind} has {sorted(strange)}"
        if PRODUCT in text or PRODUCT in page.document(run):
            yield f"a name was evaluated in the report of a {run.kind}"
        json.loads(page.document(run))


def judged_manifest(names, dice) -> t.Iterator[str]:
    document = runs.renamed(shop.document(), names)
    try:
        manifest = Manifest.parse(document)
    except DrError as error:
        if not str(error).isprintable():
            yield "a message has what a terminal would obey"
        return
    if Manifest.load(manifest.dump()) != manifest or Manifest.parse(json.loads(json.dumps(manifest.as_dict()))) != manifest:
        yield "a manifest is not what was written"
    yield from judged_mapping(manifest, dice)


def judged_mapping(manifest, dice) -> t.Iterator[str]:
    wanted = {kind: {name: dice.choice((name, hostile(dice))) for name in found} for kind, found in used_names(manifest).items()}
    mapping = {**shop.SAME_NAMES, **wanted}
    if yaml.safe_load(yaml.safe_dump(mapping, allow_unicode=True)) != mapping:
        yield "a mapping is not what was written"
    with contextlib.suppress(DrError):
        read = SiteMapping.parse(mapping)
        for drill in (None, "7"):
            mapped = as_restored(manifest, read, drill)
            if PRODUCT in repr(mapped):
                yield "a name was evaluated in a mapping"
            if not mapped.problems and len(mapped.manifest.description.servers) != len(manifest.description.servers):
                yield "a server was lost"


def judged_words(name) -> t.Iterator[str]:
    """Names in marks, metrics and names of objects."""
    for mark in MARKS:
        if Mark.of_text(mark.beside(name)) != mark or Mark.of_text(mark.after(name)) != mark or len(mark.beside(name)) > 255:
            yield f"a mark beside {name!r} is another one"
    if len(drill_name("7", name)) > 255:
        yield "the name of a drill is too long"
    if not SAMPLE.fullmatch(prometheus._labels({"application": name})):
        yield f"the label of {name!r} ends too early"
    with contextlib.suppress(DrError):
        record = DrillRecord.parse({"schema_version": 1, **json.loads(json.dumps(shop.drilled().as_dict())), "application": name})
        if record.object_name.count("/") != 2 or ".." in record.object_name.split("/"):
            yield f"the record of a drill would lie at {record.object_name}"


def attempt(dice) -> t.Iterator[str]:
    names = {name: hostile(dice) for name in dice.sample(NAMES, dice.randint(1, 4))}
    try:
        yield from judged_reports(names)
        yield from judged_manifest(names, dice)
        for name in names.values():
            yield from judged_words(name)
    except Exception as error:  # whatever it is, nobody should see it
        yield f"{type(error).__name__}: {str(error)[:300]}"


def _page_of_markup() -> t.ContextManager[t.Any]:
    loader = jinja2.FileSystemLoader(page._TEMPLATES)
    careless = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return mock.patch.object(page, "_environment", lambda: careless)


@contextlib.contextmanager
def _templates_in_names() -> t.Iterator[None]:
    real = page.html
    with mock.patch.object(page, "html", lambda run: jinja2.Environment().from_string(real(run)).render() if "{{" in real(run) else real(run)):
        yield


FAULTS = {
    "names are markup": _page_of_markup,
    "names are templates": _templates_in_names,
    "words of users become marks": lambda: mock.patch.object(marking, "_without_marks", lambda text: text),
    "labels are not escaped": lambda: mock.patch.object(prometheus, "_IN_LABELS", {}),
}

if __name__ == "__main__":
    counting.Campaign("hostile sets of names", attempt, FAULTS, goal=5_000).main()
