# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with an application that is protected and a server that nobody protects, as one page shows it."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from laboratory import playbook
from small import small

SITES = ("primary", "remote")


@pytest.fixture(scope="module")
def site():
    """An application of one server with a checkpoint, and beside it another server."""
    with small("status", ["kept"], ["stray"]) as found:
        found.build()
        protected = {"name": found.name, "tiers": found.definition["tiers"][:1]}
        done = playbook("checkpoint", **{**found.checkpoint(), "dr_checkpoint_application": protected})
        assert done.returncode == 0, done.stdout + done.stderr
        yield found


def plan(site):
    sites = {side: {"name": side, "admin_cloud": f"{side}-admin"} for side in SITES}
    application = {"name": site.name, "project": "tests", "policy": "gold", "tiers": site.definition["tiers"][:1]}
    projects = {"tests": {side: side for side in SITES}}
    policies = {"gold": {"interval": "1d", "drill_interval": "1w"}}
    return {"schema_version": 1, "sites": sites, "projects": projects, "policies": policies, "applications": [application]}


def test_the_page_shows_what_is_protected_and_what_is_not(site, tmp_path):
    (tmp_path / "site.yml").write_text(yaml.safe_dump(plan(site)))
    given = {
        "dr_site_status_cloud": "remote",
        "dr_site_status_plan": str(tmp_path / "site.yml"),
        "dr_site_status_report": str(tmp_path / "reports"),
        "dr_site_status_textfile": str(tmp_path / "site.prom"),
    }
    done = playbook("site_status", **given, dr_site_status_fail_at="never")
    assert done.returncode == 0, done.stdout + done.stderr

    status = json.loads((tmp_path / "reports/primary.site_status.json").read_text())
    (application,) = status["applications"]
    assert (application["checkpoint"], application["restorable"], application["late"]) == (site.checkpoint_id, 1, False)
    assert (application["missing"], application["unusable"], application["problems"]) == ([], [], [])
    # No drill has measured anything, so nothing is predicted.
    assert (application["drill"], application["predicted_seconds"], status["recovery"]["whole"]) == (None, None, False)
    assert application["unmeasured"]

    (here,) = (one for one in status["unprotected"] if one["project"] == "tests")
    names = [server["name"] for server in here["servers"]]
    assert site.called("stray") in names and site.called("kept") not in names
    assert (status["capacity"]["servers"], status["capacity"]["without_room"]) == (1, 0)
    kinds = {one["kind"] for one in status["alerts"]}
    assert {"drill", "unprotected"} <= kinds and not {"nothing", "late", "missing"} & {
        one["kind"] for one in status["alerts"] if site.name in one["where"]
    }

    assert site.called("stray") in (tmp_path / "reports/primary.site_status.html").read_text()
    assert re.search(rf'osdr_rpo_age_seconds{{application="{site.name}",site="primary"}} \d', (tmp_path / "site.prom").read_text())

    # A schedule may want to fail for less.
    done = playbook("site_status", **given, dr_site_status_fail_at="warning")
    assert done.returncode != 0
    assert "Nobody protects" in " ".join(done.stdout.split())
