# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random applications, captured at one site in memory and restored at another, both of which refuse what Neutron, Nova and Cinder refuse.

What is lost is named, and named again by every later run, what is checked can be restored, another run finishes what a killed one began, a second
restore changes nothing, and nothing of others is touched, nor what somebody has prepared. The smallest application for which that is not true is shown.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import sys
import typing as t
from unittest import mock

import counting
from ansible_collections.osdr.openstack.plugins.module_utils.capture import inspection
from ansible_collections.osdr.openstack.plugins.module_utils.capture import problems as capture_problems
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.restore import found, losses, names, plan, port_plan, preflight, problems, refusals, topology
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks import NetworkRestore
from ansible_collections.osdr.openstack.plugins.module_utils.restore.server_plan import ServerStep
from ansible_collections.osdr.openstack.plugins.module_utils.restore.wishes import MTU, Wishes, port_wishes
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Outcome, travel
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import BLUEPRINTS, Blueprint
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.engine import ConjectureRunner

#: A planted fault must be found by so many applications: most take less than a hundred.
_EXAMPLES_FOR_FAULT = 400
#: Hypothesis follows each example by five that repeat parts of it: these would be so many applications that are almost the same.
ALL_DIFFERENT = mock.patch.object(ConjectureRunner, "generate_mutations_from", lambda *_given: None)


class Broken(Exception):
    """A promise was broken."""


def _without(step: t.Any, name: str) -> t.Any:
    real = step.body
    return mock.patch.object(step, "body", lambda self, *given: {key: value for key, value in real(self, *given).items() if key != name})


def _without_pairs(*given: t.Any) -> Wishes:
    wishes = port_wishes(*given)
    return dataclasses.replace(wishes, body={key: value for key, value in wishes.body.items() if key != "allowed_address_pairs"})


def _uncompared(attribute: str) -> t.Any:
    """What is there has one attribute as the source has it, as far as anybody says."""
    real = found.differences
    return mock.patch.object(found, "differences", lambda kind, was, now: [one for one in real(kind, was, now) if not one.startswith(attribute)])


_APPLY = NetworkRestore.apply


def _adjusting(self: NetworkRestore) -> None:
    """Make the networks, and have those that are there already take as large packets as the source's."""
    _APPLY(self)
    for spec in self._plan.manifest.description.topology.networks:
        there = self._site.network(spec.name)
        if there and self._site.is_own(there) and there.mtu < spec.mtu and MTU in self._site.extensions:
            self._network.set_mtu(there.id, spec.mtu)


#: Each makes the library break a promise in another way.
FAULTS: dict[str, t.Callable[[], t.Any]] = {
    "nothing is named as missing": lambda: mock.patch.object(inspection, "inspect", lambda *_given: []),
    "servers lose their tags": lambda: _without(ServerStep, "tags"),
    "ports lose their address pairs": lambda: mock.patch.object(port_plan, "port_wishes", _without_pairs),
    "the check does not know the rules of the clouds": lambda: mock.patch.object(preflight, "refusals", lambda *_given: []),
    "the check does not count": lambda: mock.patch.object(problems, "_quota_problems", lambda *_given: iter(())),
    "the check does not know who chooses addresses": lambda: mock.patch.object(problems, "problems_of_others", lambda *_given: iter(())),
    "subnets are made on networks of others": lambda: mock.patch.object(topology.Topology, "networks_of_others", frozenset()),
    "the check does not know which addresses routers take": lambda: mock.patch.object(refusals, "_interface_refusals", lambda *_given: iter(())),
    "ports on no server are forgotten": lambda: mock.patch.object(plan, "plan_ports", lambda *_given: []),
    "what forwards ports is forgotten": lambda: mock.patch.object(plan, "plan_forwarders", lambda *_given: []),
    "trunks are forgotten": lambda: mock.patch.object(port_plan, "plan_trunk", lambda *_given: None),
    "key pairs that cannot come back are not named": lambda: mock.patch.object(capture_problems, "_without_key_pair", lambda *_given: iter(())),
    "what others call like the application's own is taken for it": lambda: mock.patch.object(names.Names, "of", lambda *_given: names.Names()),
    "nobody tells what a killed run was refused": lambda: mock.patch.object(losses, "_lacking", lambda *_given: []),
    "nobody compares what is there already": lambda: mock.patch.object(found, "differences", lambda *_given: []),
    "one attribute of what is there already is not compared": lambda: _uncompared("enable_dhcp"),
    "further subnets of a network are not told": lambda: mock.patch.object(found._Used, "_further_subnets", lambda *_given: ()),
    "what is there already is made as the source has it": lambda: mock.patch.object(NetworkRestore, "apply", _adjusting),
    "networks of others count as the project's own": lambda: mock.patch.object(Networking, "_is_own", lambda *_given: True),
}


@dataclasses.dataclass
class Count:
    ends: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    named: int = 0

    def add(self, outcome: Outcome) -> None:
        self.ends[outcome.end] += 1
        self.named += outcome.named


def attack(number: int, count: int, shrinks: bool, counted: Count) -> Exception | None:
    """Have so many applications travel, each drawn by itself; returns what was broken, if anything."""
    phases = (Phase.generate, Phase.shrink) if shrinks else (Phase.generate,)

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, phases=phases, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
    @given(BLUEPRINTS)
    def journey(blueprint: Blueprint) -> None:
        outcome = travel(blueprint)
        counted.add(outcome)
        counting.tell_progress(counted.ends.total(), count, len(outcome.violations))
        if outcome.violations:
            raise Broken("\n".join(outcome.violations))

    try:
        with ALL_DIFFERENT:
            journey()
    except Exception as found:  # whatever it is, nobody should see it
        return found
    return None


def main() -> t.NoReturn:
    parser = argparse.ArgumentParser(description="Attacks with random applications; the same seed makes the same ones.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    blind = []
    for name, planted in FAULTS.items():
        tried = Count()
        with planted():
            noticed = attack(options.seed, _EXAMPLES_FOR_FAULT, False, tried)
        blind += [] if noticed else [name]
        print(f"{tried.ends.total()} applications, until the planted fault was {'found' if noticed else 'NOT found, which is wrong'}: {name}", flush=True)
    counted = Count()
    broken = attack(options.seed, options.count, True, counted)
    if broken:
        print(f"{type(broken).__name__}: {broken}\n" + "\n".join(getattr(broken, "__notes__", ())))
    ends = ", ".join(f"{number} {end}" for end, number in sorted(counted.ends.items()))
    found = f"{len(FAULTS) - len(blind)} of {len(FAULTS)} planted faults found"
    print(
        f"{sum(counted.ends.values())} applications of seed {options.seed}, {ends}, {counted.named} named differences, {found}, {int(bool(broken))} violations"
    )
    sys.exit(bool(broken or blind))


if __name__ == "__main__":
    main()
