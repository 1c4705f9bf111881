# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a whole site, for tests of its page: as os_site_status_info returns it."""

from __future__ import annotations

import copy

DAY, HOUR = 86400, 3600


def _application(host, **changes):
    drill = {"drill": "7", "checkpoint": "monday", "finished_at": "2026-11-20T12:00:00Z", "age": 2.2 * DAY, "recovery_seconds": 312.4}
    values = {
        **{"host": host, "name": host, "projects": ["shop"], "wave": "business", "priority": 500, "depends_on": [], "policy": "gold", "problems": []},
        **{"checkpoint": "noon", "created_at": "2026-11-22T11:10:00Z", "age": 3000.0, "interval": HOUR, "late": False},
        **{"consistency": "quiesced", "least_consistency": "quiesced", "consistent_enough": True, "restorable": 24, "unusable": []},
        **{"drill": {**drill, "predicted_seconds": 290.0, "deviation": 0.072}, "drill_interval": 7 * DAY, "drill_due": False},
        **{"predicted_seconds": 305.0, "predicted_by_own_drills": True, "unmeasured": [], "changes": [], "missing": [], "active_site": None},
    }
    return {**values, **changes}


def _alert(level, kind, where, what, todo):
    return {"level": level, "kind": kind, "where": where, "what": what, "todo": todo, "text": f"{where}: {what} {todo}"}


LATE = _alert(
    "critical", "late", "Application 'crm'", "The newest checkpoint that can be restored is 5 h 33 min old, and policy 'gold' wants one every 1 h.",
    "Find out how the last runs of its checkpoint ended.",
)
STRAY = _alert(
    "warning", "unprotected", "Project 'shop'", "Nobody protects 1 server with 7 GiB, the oldest since 2026-10-01T00:00:00Z: build-3.",
    "Mark them (dr:application), or take them into the site plan.",
)
STATUS = {
    **{"schema_version": 1, "primary": "north", "remote": "south", "written_at": "2026-11-22T12:00:00Z", "level": "critical", "alerts": [LATE, STRAY]},
    "applications": [
        _application("identity", wave="foundation", projects=["core"]),
        _application("shop", changes=["server shop-front appeared"], missing=["Flavor 'm1.huge' is missing."]),
        _application("crm", age=20000.0, late=True, drill=None, drill_due=True, predicted_seconds=None, unmeasured=["the time that volumes take"]),
        _application("wiki@shop", checkpoint=None, created_at=None, age=None, consistency=None, consistent_enough=None, restorable=None, missing=None),
    ],
    "recovery": {"seconds": 610.0, "whole": False, "unknown": ["crm"], "critical_path": ["identity", "shop"], "at_once": 6, "deviation": 0.072},
    "unprotected": [
        {
            **{"project": "shop", "planned": True, "count": 1, "gigabytes": 7, "since": "2026-10-01T00:00:00Z"},
            "servers": [{"id": "1", "name": "build-3", "gigabytes": 7, "since": "2026-10-01T00:00:00Z"}],
        }
    ],
    "capacity": {"servers": 12, "without_room": 1, "vcpus": {"needed": 24, "left": 400}, "memory": {"needed": 49152, "left": 40960}},
    "infrastructure": {
        "captured_at": "2026-11-22T11:00:00Z",
        "complete": False,
        "counts": {"flavors": {"same": 13, "missing": 1, "different": 0, "unknown": 0}},
    },
}


def status(**changes):
    return {**copy.deepcopy(STATUS), **changes}


def hostile(names):
    """The same, where everything that people in a cloud have named has other names.

    :param names: at least two, by any key.
    """
    one, *others = names.values()
    applications = [_application(name, projects=[name], policy=name, missing=[name], changes=[name], problems=[name]) for name in (one, *others)]
    alerts = [_alert(level, "late", f"Application '{name}'", name, name) for name in (one, *others) for level in ("critical", "warning")]
    strays = [{**STATUS["unprotected"][0], "project": name, "servers": [{"name": name}] * 30} for name in (one, *others)]
    recovery = {**STATUS["recovery"], "critical_path": [one, *others], "unknown": [one, *others]}
    counts = {name: STATUS["infrastructure"]["counts"]["flavors"] for name in (one, *others)}
    infrastructure = {**STATUS["infrastructure"], "counts": counts}
    sites = {"primary": one, "remote": one}
    return status(applications=applications, alerts=alerts, unprotected=strays, recovery=recovery, infrastructure=infrastructure, **sites)


def many(count):
    """That of a large site, of which all has to be told."""
    applications = [_application(f"application-{number:03d}", missing=["x"] * (number % 3), late=number % 5 == 0) for number in range(count)]
    alerts = [{**LATE, "where": f"Application 'application-{number:03d}'"} for number in range(0, count, 5)]
    return status(applications=applications, alerts=alerts)
