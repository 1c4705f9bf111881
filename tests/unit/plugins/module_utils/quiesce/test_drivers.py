# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import drivers as registry
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import QuiesceDriver
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.drivers import AUTO, Reach, consistencies, driver_named, drivers, require_reach
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.thawing import Thawing
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver

PLUGINS = Path(__file__).parents[5] / "plugins"
LIBRARY = PLUGINS / "module_utils"
CLOUD = SimpleNamespace(project_id="shop", site="primary")
REACH = Reach("compute", "test:///", 5, 20)


def test_the_best_comes_first():
    assert list(drivers(REACH)) == ["nova", "libvirt", "pause"]


def test_each_is_given_what_it_needs():
    asked = []
    made = drivers(Reach("compute", "test:///", 5, 20, lambda name: asked.append(name) or f"guards of {name}"))
    assert (made["nova"]._compute, made["nova"]._guard_timeout, made["nova"]._thaw_timeout) == ("compute", 20, 5)
    assert (made["libvirt"]._uri, made["libvirt"]._thaw_timeout, made["libvirt"]._guards) == ("test:///", 5, "guards of libvirt")
    assert (made["pause"]._compute, made["pause"]._thaw_timeout, made["pause"]._guards) == ("compute", 5, "guards of pause")
    assert asked == ["libvirt", "pause"]


@pytest.mark.parametrize("name", ["nova", "libvirt", "pause"])
def test_one_is_found_by_its_name(name):
    assert driver_named(name, REACH).name == name


@pytest.mark.parametrize("name", ["vmware", "", AUTO, "Libvirt"])
def test_one_that_nobody_knows_is_refused(name):
    with pytest.raises(InvalidInput, match=f"'{name}' is not a driver"):
        driver_named(name, REACH)


def test_what_each_is_good_for_is_a_consistency():
    assert consistencies() == {"nova": "quiesced", "libvirt": "quiesced", "pause": "paused"}
    assert set(consistencies().values()) <= set(LEVELS)


def test_what_sets_each_apart():
    """Nova's guard begins with the freeze, however late that comes; who pauses asks no agent."""
    assert {name for name, driver in drivers(REACH).items() if driver.freezes_late} == {"libvirt", "pause"}
    assert {name for name, driver in drivers(REACH).items() if driver.asks_agent} == {"nova", "libvirt"}


def test_libvirt_needs_a_uri_where_it_is_named():
    with pytest.raises(InvalidInput, match="The driver libvirt needs libvirt_uri"):
        require_reach("libvirt", None)
    require_reach("libvirt", "test:///")
    require_reach(AUTO, None)


def test_modules_take_the_drivers_that_there_are():
    agents = [driver.name for driver in drivers(REACH).values() if driver.asks_agent]
    assert args.QUIESCE["driver"]["choices"] == [AUTO, *drivers(REACH)]
    assert args.AGENTS["quiesce"]["options"]["driver"]["choices"] == [AUTO, *agents]


# A new driver is a file and a line


class Tape(FakeDriver):
    """A driver that was added a moment ago."""

    name = "tape"
    consistency = "paused"


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setattr(registry, "_KINDS", (*registry._KINDS, registry._DriverKind(Tape, lambda reach: Tape())))


@pytest.mark.usefixtures("added")
def test_a_driver_that_is_added_is_known_everywhere():
    options = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None, "freeze_timeout": 5, "budget": 10, "guard_timeout": 20}
    quiescer = Quiescer(CLOUD, QuiesceOptions.parse(options, {}), "paused", 4)
    assert [one.name for one in quiescer._candidates()][-1] == "tape"
    assert "tape" in Thawing(REACH)._drivers
    assert driver_named("tape", REACH).name == "tape"
    assert consistencies()["tape"] == "paused"
    assert [one.name for one in Agents.of(CLOUD, "tape", None, None)._drivers] == ["tape"]


def classes(tree):
    return {node.name: [getattr(base, "id", getattr(base, "attr", "")) for base in node.bases] for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def named(tree):
    """Everything that a file calls by a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


def test_nothing_but_the_registry_names_a_driver():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PLUGINS.rglob("*.py")}
    homes = {name: path for path, tree in trees.items() for name, bases in classes(tree).items() if QuiesceDriver.__name__ in bases}
    # One stands for all that are none.
    assert {path.name for path in homes.values()} == {f"{name}.py" for name in (*consistencies(), "unknown")}
    guilty = {
        (path.relative_to(PLUGINS).as_posix(), name) for path, tree in trees.items() for name in named(tree) if name in homes and path != homes[name]
    }
    assert {path for path, _name in guilty} == {"module_utils/quiesce/drivers.py"}
    assert {name for _path, name in guilty} == set(homes)
