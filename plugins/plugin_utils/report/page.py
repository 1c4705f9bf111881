# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: the same facts as one self-contained HTML page and as JSON. The same facts make the same bytes."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import pathlib
import typing as t

import jinja2

from . import wording
from .checkpoint_view import checkpoint_page
from .critical_path import critical_path, length, ratio
from .facts import CheckpointRun, RestoreRun, RollBackRun, Run
from .restore_view import restore_page
from .roll_back_view import roll_back_page
from .site_view import site_page
from .view import Page

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
#: Raised when a member of the JSON document changes its meaning or is removed.
SCHEMA_VERSION = 1


def page_of(run: Run) -> Page:
    """What the report of a run shows."""
    if isinstance(run, RollBackRun):
        return roll_back_page(run)
    return restore_page(run) if isinstance(run, RestoreRun) else checkpoint_page(run)


def html(run: Run) -> str:
    """The page. All facts are escaped: they are text in it, never markup."""
    return _environment().get_template("run_report.html.j2").render(page=page_of(run))


def site_html(status: t.Any) -> str:
    """The page about a whole site.

    :param status: as os_site_status_info returned it.
    """
    return _environment().get_template("site_status.html.j2").render(page=site_page(status))


def site_document(status: t.Any) -> str:
    """What is known of the site as JSON."""
    return json.dumps(status, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def document(run: Run) -> str:
    """The facts as JSON, with the figures derived from them."""
    facts = {"schema_version": SCHEMA_VERSION, "kind": run.kind, **_facts(run), "figures": _figures(run), "problems": page_of(run).problems}
    return json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False, default=wording.stamp) + "\n"


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _facts(run: Run) -> dict[str, t.Any]:
    facts = {field.name: getattr(run, field.name) for field in dataclasses.fields(run) if field.name not in ("point", "warnings")}
    return {**dataclasses.asdict(run.point), **{name: _plain(value) for name, value in facts.items()}}


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, (type, datetime.datetime)) else value


def _figures(run: Run) -> dict[str, t.Any]:
    if isinstance(run, CheckpointRun):
        return {
            "policy_met": run.meets_policy if run.least else None,
            "skew_seconds": run.skew,
            "window_seconds": run.window_seconds,
            "rpo_seconds": run.age,
            "stored_bytes": sum(copy.stored_bytes for copy in run.copies),
            "never_proved_volumes": run.never_proved,
            "proof_age_seconds": run.proof_age,
        }
    if isinstance(run, RollBackRun):
        return {"outage_seconds": run.outage, "rpo_seconds": run.age, "kept_volumes": len(run.kept)}
    chain = critical_path(run)
    return {
        "rto_seconds": run.seconds,
        "rpo_seconds": run.age,
        "critical_path": [dataclasses.asdict(link) for link in chain],
        "critical_path_seconds": length(chain) if chain else None,
        "critical_path_ratio": ratio(run),
    }
