# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema (draft 2020-12) of the mapping file, of its long form: see :mod:`mapping` for the short one."""

from __future__ import annotations

import typing as t

from ..core.written import closed

SCHEMA_VERSION = 1

#: What becomes of the addresses of a port. KEEP is first, because it is what happens without a word.
KEEP, REMAP, NEW = POLICIES = ("keep", "remap", "new")

#: What becomes of the root disk of a server that boots from an image.
IMAGE, VOLUME = ROOT_DISKS = ("image", "volume")

_FLAG = {"type": "boolean"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_TARGET_NAME = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}


def _by_name(values: t.Any) -> dict[str, t.Any]:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": values}


_RULE: dict[str, t.Any] = {"policy": {"enum": list(POLICIES)}, "floating": _FLAG}

_ADDRESSES = closed(**_RULE, servers=_by_name(closed(**_RULE, ports=_by_name(closed(**_RULE)))))

#: What a restore does not make has a name there and nothing else.
_FOUND = closed(["name"], name=_TARGET_NAME)
_MADE = closed(["name"], name=_TARGET_NAME, make=_FLAG)
_SUBNET = closed(["name"], name=_TARGET_NAME, make=_FLAG, cidr={"type": "string"})

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        ["schema_version"],
        schema_version={"const": SCHEMA_VERSION},
        networks=_by_name(_MADE),
        subnets=_by_name(_SUBNET),
        routers=_by_name(_MADE),
        external_networks=_by_name(_FOUND),
        flavors=_by_name(_FOUND),
        volume_types=_by_name(_FOUND),
        key_pairs=_by_name(_MADE),
        security_groups=_by_name(_MADE),
        address_groups=_by_name(_MADE),
        server_groups=_by_name(_MADE),
        availability_zones=_by_name(_FOUND),
        qos_policies=_by_name(_FOUND),
        subnet_pools=_by_name(_FOUND),
        addresses=_ADDRESSES,
        root_disks=_by_name({"enum": list(ROOT_DISKS)}),
    ),
}
