# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever applications stand on: what can be made is there afterwards, and what somebody has prepared stays as it is."""

from __future__ import annotations

import copy
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import PROJECTS
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.remedies import MAKEABLE
from ansible_collections.osdr.openstack.tests.unit.plugins.modules.test_os_site_infrastructure import LUKS, SHOP, Play
from ansible_collections.osdr.openstack.tests.unit.support.memory.grounds import site_plan

NAMES = ("a", "b", "c", "d")
SEEDS = range(30)


class Draw:
    """Draws what is at the sites.

    :param prepared: whether somebody has prepared the remote site.
    """

    def __init__(self, seed, prepared):
        self._random = random.Random(seed)
        self.play = Play()
        self.play.plan = site_plan(SHOP, users={"u-a": "u-b"})
        self._fill(self.play.north, projects=("core", "shop"))
        self._know(self.play.south)
        if prepared:
            self._fill(self.play.south, [name for name in ("core", "shop") if self._either()])
        for name in self._some(("core", "shop")):
            flavors = [one["original_name"] for one in self.play.north.nova.by_id["flavors"].values()]
            if flavors:
                self.play.grounds.server(name, f"{name}-1", self._random.choice(flavors))
            self.play.grounds.volume(name, "data", self._random.choice(list(self.play.north.cinder.types)))

    def _either(self):
        return self._random.random() < 0.5

    def _some(self, things):
        return [one for one in things if self._either()]

    def _know(self, site):
        """Have the people and roles that everybody may be given."""
        for name in self._some(NAMES):
            site.keystone.have("groups", name)
        for name in self._some(NAMES):
            site.keystone.have("roles", f"r-{name}", None)
        for name in self._some(("a", "b")):
            site.keystone.have("users", f"u-{name}")

    def _fill(self, site, projects):
        for name in projects:
            if name not in site.keystone.projects.values():
                site.keystone.have_project(name, enabled=self._random.random() < 0.9, tags=self._some(NAMES))
        self._know(site)
        ids = [key for key, name in site.keystone.projects.items() if name in projects]
        self._assign(site.keystone, ids)
        for name in self._some(NAMES):
            specs = {f"hw:{key}": self._random.choice(("x", "y")) for key in self._some(NAMES)}
            sizes = {key: self._random.choice((0, 5)) for key in ("disk", "ephemeral", "swap")}
            flags = {"is_public": self._either(), "is_disabled": self._random.random() < 0.1, "description": self._random.choice((None, "", "text"))}
            site.nova.flavor(name, self._random.choice((1, 2)), 512, extra_specs=specs, access=self._some(ids), **sizes, **flags)
        for name in self._some(NAMES):
            site.cinder.types[name] = {**({"volume_backend_name": self._random.choice(("ceph", "nvme"))} if self._either() else {}), "k": "v"}
            qos = {"consumer": "back-end", "specs": {}} if self._random.random() < 0.1 else None
            encryption = dict(LUKS) if self._either() else {}
            site.cinder.type_of(name).update(is_public=self._either(), access=self._some(ids), qos=qos, encryption=encryption)
        for service, names in ((site.nova, ("cores", "instances")), (site.cinder, ("volumes", "gigabytes")), (site.neutron, ("network", "port"))):
            service.limits.limit = {name: self._random.choice((-1, 100, 200)) for name in self._some(names)}
            # Nobody can tell a limit that somebody has set to the default from one that nobody has set.
            service.limits.own |= {key: {name: self._random.choice((50, 150, 300)) for name in (names[0], *self._some(names))} for key in self._some(ids)}
        site.nova.zones = ["nova", *self._some(NAMES)]
        site.nova.aggregates = [{"name": name, "availability_zone": self._random.choice((None, name)), "metadata": {}} for name in self._some(NAMES)]
        for number, name in enumerate(self._some(NAMES)):
            self.play.grounds.outside(site, name, f"198.51.{number}.0/{self._random.choice((24, 25))}")

    def _assign(self, keystone, project_ids):
        for kind in ("groups", "users"):
            for actor in self._some(keystone.by_id[kind]):
                for role in self._some(keystone.by_id["roles"]):
                    inherits = self._random.random() < 0.2
                    place = ("domain", "default") if inherits or not project_ids else ("project", self._random.choice(project_ids))
                    keystone.assign((kind.removesuffix("s"), actor), place, role, inherited=place[0] == "domain")


def prepared(site):
    """What somebody has at a site, without who may use it: that may become more."""
    without = {"access"}
    return copy.deepcopy(
        {
            "flavors": {key: {name: value for name, value in one.items() if name not in without} for key, one in site.nova.by_id["flavors"].items()},
            "specs": site.cinder.types,
            "types": {key: {name: value for name, value in one.items() if name not in without} for key, one in site.cinder.more_of_types.items()},
            "projects": site.keystone.projects,
            "details": site.keystone.details,
            **{f"quotas {number}": service.limits.own for number, service in enumerate((site.nova, site.cinder, site.neutron))},
            "networks": site.neutron.by_id["networks"],
            "assignments": {one: True for one in site.keystone.assignments},
            "flavor access": {(key, project): True for key, one in site.nova.by_id["flavors"].items() for project in one["access"]},
            "type access": {(key, project): True for key, one in site.cinder.more_of_types.items() for project in one["access"]},
        }
    )


@pytest.mark.parametrize("is_prepared", [False, True], ids=["empty", "prepared"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_can_be_made_is_there_and_what_was_there_stays(seed, is_prepared):
    play = Draw(seed, is_prepared).play
    play.capture()
    first, before = play.check(), prepared(play.south)
    made = play.make()
    after, then = prepared(play.south), play.check()
    by_hand = {(one["kind"], one["name"]) for one in made["by_hand"]}
    new = {(one["kind"], one["name"]) for one in made["made"]}
    # All of what was missing was made, or a person was told what to do.
    states = {(one["kind"], one["name"]): one["state"] for one in then["findings"]}
    missing = {one for one, state in states.items() if state == "missing"}
    assert {one for one in missing if one[0] in MAKEABLE} == by_hand
    assert not new & {one for one in states if one[0] != PROJECTS}
    assert all(one["by_hand"] for one in then["findings"] if one["state"] == "missing")
    # What differed is as it was.
    assert {key: after[kind][key] for kind in before for key in before[kind]} == {key: one for kind in before for key, one in before[kind].items()}
    differing = {(one["kind"], one["name"]): one["differences"] for one in first["findings"] if one["state"] == "different"}
    assert differing.items() <= {(one["kind"], one["name"]): one["differences"] for one in then["findings"]}.items()
    # And once is enough.
    writes = len(play.south.writes)
    again = play.make()
    assert (again["changed"], again["made"], len(play.south.writes)) == (False, [], writes)
    assert [one["name"] for one in again["by_hand"]] == [one["name"] for one in made["by_hand"]]


def test_all_kinds_are_made_and_told_of():
    """The draws are worth something."""
    made, by_hand, different = set(), set(), set()
    for seed in SEEDS:
        play = Draw(seed, prepared=True).play
        play.capture()
        different |= {one["kind"] for one in play.check()["findings"] if one["state"] == "different"}
        done = play.make(check_mode=True)
        made |= {one["kind"] for one in done["made"]}
        by_hand |= {one["kind"] for one in done["by_hand"]}
    assert made == {*MAKEABLE} - {"external_network_access"}
    assert by_hand >= {"roles", "volume_types", "volume_type_access"}
    assert different >= {"projects", "quotas", "flavors", "volume_types", "external_networks"}
