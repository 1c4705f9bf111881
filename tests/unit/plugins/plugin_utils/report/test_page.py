# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import html.parser
import json
import os
import subprocess
import sys

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import wording
from ansible_collections.osdr.openstack.tests.unit.support import runs

_VOID = {"meta", "br", "rect", "line"}


class Reader(html.parser.HTMLParser):
    """Reads a page strictly: everything that is opened is closed, in order."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID or (tag == "rect" and not self.get_starttag_text().endswith("/>")):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, name):
        return [value for attribute, value in self.attributes if attribute == name]


def read(run):
    return Reader(run_page.html(run))


def two_projects(make):
    leading, other = runs.in_two_projects()
    return make(leading, parts=[other])


RUNS = {
    "checkpoint": runs.checkpoint,
    "restore": runs.restore,
    "nothing known of a checkpoint": lambda: runs.checkpoint(runs.manifest(evidence={}, consistency="crash"), consistency="", restorable_at=""),
    "nothing known of a restore": lambda: runs.restore(began_at="", seconds=None, volumes=[], servers=[], site=""),
    "hostile checkpoint": lambda: runs.checkpoint(runs.renamed(runs.manifest(), runs.HOSTILE), tuple(runs.HOSTILE.values())),
    "hostile restore": lambda: runs.restore(
        runs.renamed(runs.manifest(), runs.HOSTILE),
        volumes=runs.renamed(runs.volume_results(), runs.HOSTILE),
        servers=runs.renamed(runs.server_results(), runs.HOSTILE),
        site="<i>remote</i>",
    ),
    "roll-back": runs.roll_back,
    "nothing known of a roll-back": lambda: runs.roll_back(site="", id="", stopped_at="", volumes=[], servers=[], kept=[]),
    "hostile roll-back": lambda: runs.roll_back(
        runs.renamed(runs.manifest(), runs.HOSTILE),
        volumes=runs.renamed(runs.volume_results(), runs.HOSTILE),
        servers=runs.renamed(runs.server_results(), runs.HOSTILE),
        kept=runs.renamed(runs.KEPT, runs.HOSTILE),
        id="<i>roll-back</i>",
    ),
    "checkpoint of two projects": lambda: two_projects(runs.checkpoint),
    "restore of two projects": lambda: two_projects(runs.restore),
    "fifty servers": lambda: runs.checkpoint(runs.fleet(50)),
}


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_a_page_is_well_formed_and_needs_nothing_else(make):
    page = read(make())
    assert not {"script", "img", "link", "iframe", "object", "form", "b", "i"} & set(page.tags)
    assert not {"src", "href", "style", "onerror", "onload"} & {name for name, _value in page.attributes}
    assert "url(" not in run_page.html(make()) and "@import" not in run_page.html(make())


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_what_labels_something_is_there_once(make):
    page = read(make())
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    assert {one for names in page.all("aria-labelledby") for one in names.split()} <= set(ids)


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_the_same_facts_make_the_same_bytes(make):
    assert run_page.html(make()) == run_page.html(make())
    assert run_page.document(make()) == run_page.document(make())


def test_another_process_makes_the_same_bytes():
    code = (
        f"import hashlib, sys; sys.path[:0] = {sys.path!r}\n"
        "from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page\n"
        "from ansible_collections.osdr.openstack.tests.unit.support import runs\n"
        "print(hashlib.sha256((run_page.html(runs.restore()) + run_page.document(runs.restore())).encode()).hexdigest())"
    )
    environments = [{**os.environ, "PYTHONHASHSEED": seed, "TZ": zone} for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))]
    found = {subprocess.run([sys.executable, "-c", code], env=one, check=True, capture_output=True).stdout for one in environments}
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["hostile checkpoint", "hostile restore", "hostile roll-back"])
def test_what_comes_from_outside_is_text(kind):
    page = read(RUNS[kind]())
    for name in ("orders-db", "payments-db", "shop-front"):
        assert runs.HOSTILE[name] in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_checkpoint_says_what_was_reached_and_what_was_asked_for():
    page = read(runs.checkpoint())
    for text in (
        "Checkpoint shop 2026-11-22-noon data as of 2026-11-22 12:00:00 UTC taken on site primary",
        "Consistency quiesced quiesced was asked for: met",
        "Freeze window 1.90 s one server at most 1.90 s",
        "Skew 0.81 s",
        "Recovery point (RPO) 41.5 s",
        "Copies 5 volumes of 90.0 GiB, 4.2 GiB stored",
        "orders-db database quiesced nova nova 2 1.33 s frozen around every snapshot",
        "orders-db-data orders-db 40 GiB 1.2 GiB incremental 3 backups all its objects",
    ):
        assert text in page.text
    assert "To look at" not in page.text


def test_the_time_line_is_also_told_in_words():
    taken, restored = read(runs.checkpoint()).text, read(runs.restore()).text
    assert "freeze requested at +0.22 s; frozen at +0.61 s; thawed at +1.55 s; snapshot of orders-db-boot from +0.63 s to +1.31 s;" in taken
    assert "volume orders-db-data from +3.40 s to +19.0 s; building requested at +21.9 s; active at +29.4 s; ready at +36.6 s" in restored


def test_a_restore_says_how_long_it_took_and_why():
    page = read(runs.restore())
    for text in (
        "quiesced-consistent, restored to site remote, begun 2026-11-22 12:30:00 UTC",
        "Recovery time (RTO) 48.3 s",
        "Recovery point (RPO) 29 min 59 s",
        "Servers 3 of 3 active, in 2 tiers",
        "Critical path 39.4 s the restore took 1.23 times that",
        "Tier database",
        "shop-front front ACTIVE 10.10.0.13 10.88.2.33 47.8 s",
        "orders-db-data orders-db 40 GiB available 15.6 s",
    ):
        assert text in page.text
    assert "To look at" not in page.text


def test_a_checkpoint_without_a_freeze_claims_none():
    evidence = runs.evidence()
    loose = {"driver": None, "requested_at": None, "frozen_at": None, "thawed_at": None, "filesystems": None, "guard": None, "guard_until": None}
    servers = [{**one, **loose, "consistency": "crash", "reason": "not frozen"} for one in evidence["servers"]]
    document = runs.manifest(consistency="crash", evidence={**evidence, "window": None, "servers": servers})
    page = read(runs.checkpoint(document, consistency="quiesced"))
    for text in (
        "Consistency crash quiesced was asked for: not met",
        "The checkpoint is crash-consistent; quiesced was asked for.",
        "Freeze window none nothing was frozen",
        "Nothing was frozen; these are the snapshots.",
        "orders-db database crash – – – – not frozen",
    ):
        assert text in page.text
    assert "frozen, until the thaw was confirmed" not in page.text


def test_what_the_evidence_leaves_open_is_told():
    evidence = runs.evidence()
    pending, late, lost = evidence["servers"]
    pending.update(consistency="crash", pending="quiesced", thawed_at=None)
    late.update(guard_until=runs.at(1.0))
    evidence["servers"].remove(lost)
    page = read(runs.checkpoint(runs.manifest(evidence=evidence), ("The volume is encrypted.",)))
    for text in (
        "The thaw of server orders-db has not been confirmed; once it is, its snapshots are quiesced-consistent.",
        "Server payments-db was thawed later than its guard should have thawed it.",
        "There is no evidence for server shop-front.",
        "The volume is encrypted.",
    ):
        assert text in page.text


@pytest.mark.parametrize(("is_off", "is_told"), [(True, False), (False, True)])
def test_a_server_that_was_off_at_the_checkpoint_is_well_when_it_is_off(is_off, is_told):
    servers = [{"started_at": None, "servers": [runs.restored("orders-db", "database", status="SHUTOFF", is_off=is_off), runs.restored("shop-front", "front")]}]
    page = read(runs.restore(servers=servers))
    assert ("Server orders-db is not active" in page.text) is is_told
    assert (f"{2 - is_told} of 2" in page.text, "active or off as at the checkpoint (1)" in page.text) == (True, is_off)


def test_what_leads_to_an_application_besides_its_servers_is_told():
    ports = [{"name": "vip", "network": "shop-net", "port_id": "p", "fixed_ips": ["10.10.0.100"], "floating_ips": ["10.88.2.40"]}]
    ports.append({"name": "", "network": "back-net", "port_id": "q", "fixed_ips": ["10.20.0.7"], "floating_ips": []})
    more = {"ports": ports, "forwarding_floating_ips": [{"source_id": "f", "floating_ip": "10.88.2.41"}]}
    text = read(runs.restore(servers=[{**runs.server_results()[0], **more}])).text
    assert "vip shop-net 10.10.0.100 10.88.2.40 without a name back-net 10.20.0.7 – forwards ports – 10.88.2.41" in text
    assert "Addresses on no server" not in read(runs.restore()).text


def test_what_a_restore_leaves_open_is_told():
    servers = [{"started_at": None, "servers": [runs.restored("orders-db", "database", status="ERROR"), runs.restored("shop-front", "front")]}]
    volumes = [{**result, "volumes": [{**one, "status": "error"} for one in result["volumes"]]} for result in runs.volume_results()]
    page = read(runs.restore(volumes=volumes, servers=servers))
    for text in (
        "Server orders-db is not active: its status is ERROR.",
        "Volume orders-db-data of server orders-db is not usable: its status is error.",
        "An earlier run had restored 2 servers already",
    ):
        assert text in page.text


def test_a_checkpoint_of_several_projects_tells_what_each_has():
    page, alone = read(two_projects(runs.checkpoint)), read(runs.checkpoint())
    for text in (
        "Projects The application is in several projects, of which the first one leads.",
        "p-databases orders-db, payments-db quiesced 1.50 s 4 volumes of 80.0 GiB 2.0 GiB p-front shop-front quiesced 1.90 s 1 volume of 10.0 GiB 2.2 GiB",
        "Copies 5 volumes of 90.0 GiB, 4.2 GiB stored",
        "shop-front front, project p-front quiesced nova",
        "snapshot of shop-front-boot from +0.65 s to +1.36 s",
    ):
        assert text in page.text, text
    assert "Projects" not in alone.text


def test_the_level_of_a_project_is_that_of_its_weakest_server():
    databases, front = runs.in_two_projects()
    databases["checkpoint"]["evidence"]["servers"][1]["consistency"] = "crash"
    assert "p-databases orders-db, payments-db crash 1.50 s" in read(runs.checkpoint(databases, parts=[front])).text
    databases["checkpoint"]["evidence"]["servers"].pop()
    assert "p-databases orders-db, payments-db not known 1.33 s" in read(runs.checkpoint(databases, parts=[front])).text


def test_a_restore_of_several_projects_tells_what_each_has():
    page, alone = read(two_projects(runs.restore)), read(runs.restore())
    for text in (
        "p-databases orders-db, payments-db 2 of 2 as they shall be 4 of 80.0 GiB 36.6 s",
        "p-front shop-front 1 of 1 as they shall be 1 of 10.0 GiB 47.8 s",
        "Servers 3 of 3 active, in 2 tiers",
        "shop-front front, project p-front ACTIVE 10.10.0.13",
    ):
        assert text in page.text, text
    assert "Projects" not in alone.text and "Only a part" not in page.text


def test_a_part_is_told_to_be_one():
    everything = read(runs.restore())
    some = [{**result, "servers": result["servers"][:1]} for result in runs.server_results()]
    part = read(runs.restore(servers=some))
    told = "Only a part was restored: 1 of the 3 servers of the checkpoint."
    assert (told in part.text, "Only a part" in everything.text) == (True, False)


def test_json_has_the_same_facts_and_the_figures():
    taken, restored = json.loads(run_page.document(runs.checkpoint())), json.loads(run_page.document(runs.restore()))
    assert (taken["kind"], taken["checkpoint"], taken["consistency"], taken["moment"]) == ("checkpoint", "2026-11-22-noon", "quiesced", runs.at(0.61))
    assert taken["servers"][0]["thawed_at"] == runs.at(1.55)
    assert taken["servers"][0]["snapshots"][1] == {"volume": "orders-db-data", "requested_at": runs.at(0.64), "complete_at": runs.at(1.42)}
    assert taken["figures"] == {
        "policy_met": True,
        "rpo_seconds": 41.49,
        "skew_seconds": 0.81,
        "stored_bytes": 4463368600,
        "window_seconds": 1.9,
        "never_proved_volumes": 0,
        "proof_age_seconds": 18042.1,
    }
    assert (taken["copies"][0]["proved_at"], taken["copies"][0]["proved_by"]) == ("2026-11-22T11:00:00.000Z", "2026-11-21-noon")
    assert (restored["kind"], restored["site"], restored["figures"]["critical_path_ratio"]) == ("restore", "remote", 1.23)
    assert restored["servers"][0]["volumes"][0]["ready_at"] == runs.at(10.5, 30)


def with_copies(**changes):
    """The checkpoint with its first copy changed."""
    manifest = runs.manifest()
    first, *others = manifest["copies"]
    return runs.checkpoint({**manifest, "copies": [{**first, **changes}, *others]})


NEVER = {"proved_at": "", "proved_by": "", "how": "", "passed_over": 0}
ONLY_RESTORED = {"proved_at": "2026-11-22T11:30:00.000Z", "proved_by": "half-past", "how": "readable", "passed_over": 0}


def test_the_page_tells_when_the_content_of_each_volume_was_last_proved():
    page = read(runs.checkpoint())
    assert "Content last proved 5 h 0 min ago the oldest of the last proofs" in page.text
    assert "2026-11-22 11:00:00 UTC by checkpoint 2026-11-21-noon" in page.text


def test_the_page_tells_what_was_restored_but_not_compared():
    page = read(with_copies(content=ONLY_RESTORED, verified="readable"))
    assert "by a restore, 1 of them not compared" in page.text
    assert "2026-11-22 11:30:00 UTC by checkpoint half-past, not compared" in page.text
    assert "1 of 5 copies: a volume could be restored from them, but it is not proved that it equals its snapshot." in page.text


def test_the_page_tells_how_many_volumes_were_never_proved():
    assert "Content last proved not all 1 of 5 volumes never restored to prove the copies" in read(with_copies(content=NEVER)).text
    assert "Content last proved not all 1 of 5 volumes" in read(with_copies(content=None)).text


@pytest.mark.parametrize(
    ("verified", "text"),
    [
        ("records", "1 of 5 copies: only what both sites say of them was compared, so it is not proved that their data are in the store"),
        ("objects", "5 of 5 copies: the store has their objects, but it is not proved that a volume restored from them equals its snapshot."),
    ],
)
def test_the_page_tells_what_was_not_proved(verified, text):
    assert text in read(with_copies(verified=verified)).text


def test_the_page_tells_what_the_last_drill_did_not_cover():
    told = "Changes since the last drill The last drill passed with checkpoint 2026-11-01-noon."
    assert f"{told} These changes were not part of it. Change router shop-router went" in read(runs.checkpoint()).text
    assert f"{told} Nothing has changed since." in read(runs.checkpoint(changes=[])).text
    assert "Changes since" not in read(runs.checkpoint(since=None)).text
    assert json.loads(run_page.document(runs.checkpoint()))["changes"] == ["router shop-router went"]


def test_json_tells_of_a_policy_that_nobody_named_that_it_is_not_known():
    assert json.loads(run_page.document(runs.checkpoint(consistency="")))["figures"]["policy_met"] is None


# Roll-backs


def test_the_page_of_a_roll_back_tells_what_went_back_and_how_to_go_on():
    page = read(runs.roll_back())
    run = runs.roll_back()
    for told in (
        "Roll-back shop 2026-11-22-noon",
        "quiesced-consistent, rolled back at site primary, begun 2026-11-22",
        f"Out of service {wording.duration(run.outage)}",
        f"Gone back by {wording.duration(run.age)}",
        "Kept for the way back 5 volumes",
        "orders-db database quiesced-consistent",
        "marked osdr_kept = 20261122143000-3f2a. The playbook roll_back_undo builds the servers on them again.",
        "the playbook roll_back_accept removes them",
        runs.KEPT[0]["volume_id"],
    ):
        assert told in page.text, told


def test_the_outage_is_from_the_first_stop_until_the_last_server_was_ready():
    run = runs.roll_back()
    assert run.outage == (max(one.ready_at for one in run.servers) - run.stopped_at).total_seconds() > 0
    assert run.began_at < run.stopped_at
    assert runs.roll_back(stopped_at=None).outage is None and runs.roll_back(servers=[]).outage is None
    figures = json.loads(run_page.document(run))["figures"]
    assert figures == {"outage_seconds": run.outage, "rpo_seconds": run.age, "kept_volumes": 5}


def test_servers_that_are_not_well_after_a_roll_back_are_told_first():
    broken = runs.restored("orders-db", "database", status="ERROR")
    page = read(runs.roll_back(servers=[{"started_at": runs.at(19.6, 30), "servers": [broken]}]))
    assert "To look at Server orders-db is not active: its status is ERROR." in page.text
