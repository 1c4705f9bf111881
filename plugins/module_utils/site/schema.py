# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema (draft 2020-12) of the site plan, of its long form: see :mod:`.plan` for the short ones."""

from __future__ import annotations

import typing as t

from ..application.definition import NAME_PATTERN
from ..core.consistency import LEVELS
from ..core.written import closed

SCHEMA_VERSION = 1

PRIMARY, REMOTE = SIDES = ("primary", "remote")
#: What may be under way at a site at once, over all applications.
LIMITED = ("freezes", "backups", "restores", "boots")
#: What somebody must approve.
APPROVED = ("checkpoint", "drill", "restore", "failover")
#: Checkpoints that are kept, as dr_checkpoint_keep has them.
KEPT = ("last", "hourly", "daily", "weekly", "monthly")
PRIORITIES = (1, 1000)
DURATION_PATTERN = r"[1-9][0-9]{0,5}[smhdw]"

# Not "$", which Python lets match before a newline at the end.
_END = r"(?![\s\S])"
_NAME = {
    "type": "string",
    "pattern": f"^{NAME_PATTERN}{_END}",
    "description": "a name of letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit",
}
_DURATION = {"type": "string", "pattern": f"^{DURATION_PATTERN}{_END}", "description": "a number with s, m, h, d or w behind it, like 90m or 1d"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 100_000}


def _list(items: t.Any, least: int = 0) -> dict[str, t.Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": 10_000}


def _by_name(values: t.Any, least: int = 0) -> dict[str, t.Any]:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": values, "minProperties": least}


_CLOUDS = closed(["cloud"], cloud=_TEXT, admin_cloud=_TEXT, store_cloud=_TEXT)
_SITE = closed(["name"], name=_NAME, admin_cloud=_TEXT, limits=closed(**dict.fromkeys(LIMITED, _COUNT)))
_APPROVERS = closed(**dict.fromkeys(APPROVED, _list(_TEXT, least=1)))
_KEEP = closed(**dict.fromkeys(KEPT, {"type": "integer", "minimum": 0, "maximum": 100_000}))
_POLICY = closed(consistency={"enum": list(LEVELS)}, interval=_DURATION, keep=_KEEP, drill_interval=_DURATION)

_HTTP = closed(
    path={"type": "string"},
    port={"type": "integer"},
    scheme={"type": "string"},
    host={"type": "string"},
    status=_list({"type": "integer"}),
    text={"type": "string"},
    validate_certs={"type": "boolean"},
)
_CHECK = closed(port={"type": "integer"}, http=_HTTP, agent={"type": "boolean"}, command=_list({"type": "string"}), timeout={"type": "integer"})
_TIER = closed(["name"], name=_NAME, servers=_list(_TEXT, least=1), query={"type": "string", "minLength": 1, "maxLength": 2048}, checks=_list(_CHECK))
_APPLICATION = closed(
    ["name", "project"],
    name=_NAME,
    project=_NAME,
    other_projects=_list(_NAME),
    wave=_NAME,
    priority={"type": "integer", "minimum": PRIORITIES[0], "maximum": PRIORITIES[1]},
    policy=_NAME,
    depends_on=_list(_NAME),
    approvers=_APPROVERS,
    tiers=_list(_TIER, least=1),
)

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        ["schema_version", "sites", "projects"],
        schema_version={"const": SCHEMA_VERSION},
        sites=closed(SIDES, **dict.fromkeys(SIDES, _SITE)),
        projects=_by_name(closed(SIDES, **dict.fromkeys(SIDES, _CLOUDS)), least=1),
        users={"type": "object", "propertyNames": _TEXT, "additionalProperties": _TEXT},
        approvers=_APPROVERS,
        policies=_by_name(_POLICY),
        default_policy=_NAME,
        waves=_list(_NAME),
        applications=_list(_APPLICATION),
    ),
}
