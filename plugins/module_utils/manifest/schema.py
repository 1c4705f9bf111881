# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema (draft 2020-12) of the manifest."""

from __future__ import annotations

import typing as t

from ..application.checks import LONGEST_TEXT, MOST_ARGUMENTS, PORTS, SCHEMES, STATUSES
from ..application.definition import NAME_PATTERN
from .conforming import Form

SCHEMA_VERSION = 3

# Not "$", which Python lets match before a newline at the end.
_END = r"(?![\s\S])"

_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}{_END}"}
_TEXT = {"type": "string", "maxLength": 255}
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
_SENTENCE = {"type": "string", "maxLength": 1024}
_TEXT_OR_NULL = {"type": ["string", "null"], "maxLength": 255}
_UUID = {"type": "string", "pattern": "^[0-9a-fA-F-]{32,36}" + _END}
#: What every service that gets it can hold.
_BIGGEST = 2**63 - 1
_COUNT = {"type": "integer", "minimum": 0, "maximum": _BIGGEST}
_PORT_OR_NULL = {"type": ["integer", "null"], "minimum": -1, "maximum": 65535}
_FLAG = {"type": "boolean"}
#: Nova takes 65,535 characters; encrypted they are a third more.
_LONGEST_USER_DATA = 2**17
_USER_DATA = r"^(plain:[A-Za-z0-9+/=\r\n]*|sealed:[A-Za-z0-9_=-]{24}:[A-Za-z0-9_=-]+)" + _END
_METADATA = {"type": "object", "additionalProperties": _TEXT}
_CONSISTENCY = {"enum": ["offline", "quiesced", "paused", "crash"]}


def _object(**properties: t.Any) -> dict[str, t.Any]:
    """An object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _with_optional(schema: dict[str, t.Any], **properties: t.Any) -> dict[str, t.Any]:
    """An object that may have further members: what manifests of this version did not have from the beginning."""
    return {**schema, "properties": {**schema["properties"], **properties}}


def _or_null(schema: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _list(items: t.Any, least: int = 0) -> dict[str, t.Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": 10000}


def _numbers(limits: tuple[int, int]) -> dict[str, t.Any]:
    return {"type": "integer", "minimum": limits[0], "maximum": limits[1]}


_LONG_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}

_HTTP = _object(
    path=_LONG_TEXT,
    port={**_numbers(PORTS), "type": ["integer", "null"]},
    scheme={"enum": list(SCHEMES)},
    host=_TEXT_OR_NULL,
    status=_list(_numbers(STATUSES), least=1),
    text={**_LONG_TEXT, "type": ["string", "null"]},
    validate_certs=_FLAG,
)

#: One kind and the timeout. Version 1 had no other kind than ports.
_CHECK = {
    "type": "object",
    "properties": {
        "port": _numbers(PORTS),
        "http": _HTTP,
        "agent": {"const": True},
        "command": {**_list(_LONG_TEXT, least=1), "maxItems": MOST_ARGUMENTS},
        "timeout": _COUNT,
    },
    "required": ["timeout"],
    "minProperties": 2,
    "maxProperties": 2,
    "additionalProperties": False,
}

_TIER = _object(name=_NAME, servers=_list(_TEXT, least=1), checks=_list(_CHECK))

_EXTRA_SPECS = {"type": ["object", "null"], "additionalProperties": _TEXT}
_FLAVOR = _object(
    id=_TEXT, name=_TEXT, vcpus=_COUNT, ram=_COUNT, disk=_COUNT, ephemeral=_COUNT, swap=_COUNT, extra_specs=_EXTRA_SPECS
)

_TAGS = _list(_TEXT)
_PLACE = {"type": "integer", "minimum": 0, "maximum": 10000}
_FLOATING = _object(
    network=_TEXT,
    place={**_PLACE, "type": ["integer", "null"]},
    description=_TEXT,
    tags=_TAGS,
    qos_policy=_TEXT_OR_NULL,
    dns_name=_TEXT,
    dns_domain=_TEXT,
)
_OPTION = {"type": "object", "additionalProperties": {"type": ["string", "integer", "null"], "maxLength": 255}}

_PORT = _object(
    source_id={"type": "string", "pattern": "^([0-9a-fA-F-]{32,36})?" + _END},
    name=_TEXT,
    description=_TEXT,
    tags=_TAGS,
    network=_TEXT,
    mac_address={"type": "string", "pattern": "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}" + _END},
    fixed_ips=_list(_object(subnet=_TEXT, ip_address=_TEXT)),
    security_groups=_list(_TEXT),
    port_security=_FLAG,
    allowed_address_pairs=_list({"type": "object", "additionalProperties": _TEXT}),
    floating_ips=_list(_FLOATING),
    is_up=_FLAG,
    vnic_type={"type": "string", "pattern": "^[a-z-]{1,64}" + _END},
    qos_policy=_TEXT_OR_NULL,
    dns_name=_TEXT,
    dns_domain=_TEXT,
    profile={"type": ["object", "null"], "maxProperties": 64},
    dhcp_options=_list(_OPTION),
    device_tag=_TEXT_OR_NULL,
)
_SUBPORT = _object(port=_UUID, segmentation_type=_TEXT, segmentation_id=_COUNT)
_TRUNK = _object(source_id=_UUID, name=_TEXT, port=_UUID, subports=_list(_SUBPORT), is_up=_FLAG, description=_TEXT, tags=_TAGS)
_FORWARDING = _object(port=_UUID, place=_PLACE, internal_port=_numbers(PORTS), external_port=_numbers(PORTS), protocol=_TEXT, description=_TEXT)
_FORWARDER = _object(source_id=_UUID, floating=_FLOATING, forwardings=_list(_FORWARDING))
_ADDRESS = _object(subnet=_TEXT, ip_address=_TEXT)
_FLAG_OR_NULL = {"type": ["boolean", "null"]}

_ENCRYPTION = _object(provider=_TEXT, cipher=_TEXT_OR_NULL, key_size={**_COUNT, "type": ["integer", "null"]})
_VOLUME = _object(
    source_id=_UUID,
    name=_TEXT,
    size={"type": "integer", "minimum": 1, "maximum": _BIGGEST},
    volume_type=_TEXT,
    bootable=_FLAG,
    device=_TEXT,
    delete_on_termination=_FLAG,
    metadata=_METADATA,
    availability_zone=_TEXT_OR_NULL,
    description=_TEXT,
    image_metadata={**_METADATA, "type": ["object", "null"]},
    is_read_only=_FLAG,
    device_tag=_TEXT_OR_NULL,
    encryption=_or_null(_ENCRYPTION),
    is_image=_FLAG,
)

_SERVER = _object(
    source_id=_UUID,
    name=_TEXT,
    tier=_NAME,
    flavor=_FLAVOR,
    key_name=_TEXT_OR_NULL,
    config_drive=_FLAG,
    description=_TEXT,
    metadata=_METADATA,
    tags=_list(_TEXT),
    ports=_list(_PORT),
    volumes=_list(_VOLUME, least=1),
    user_data={"type": ["string", "null"], "maxLength": _LONGEST_USER_DATA, "pattern": _USER_DATA},
    server_group=_TEXT_OR_NULL,
    availability_zone=_TEXT_OR_NULL,
    hostname=_TEXT_OR_NULL,
    is_off=_FLAG,
    lock=_TEXT_OR_NULL,
)

_TOPOLOGY = _object(
    networks=_list(
        _with_optional(
            _object(
                name=_TEXT,
                mtu=_COUNT,
                port_security_enabled=_FLAG,
                is_up=_FLAG,
                description=_TEXT,
                tags=_TAGS,
                dns_domain=_TEXT,
                qos_policy=_TEXT_OR_NULL,
                is_of_others=_FLAG,
            ),
            owner=_TEXT,
            is_external=_FLAG,
        )
    ),
    subnets=_list(
        _object(
            name=_TEXT,
            network=_TEXT,
            cidr=_TEXT,
            ip_version={"enum": [4, 6]},
            gateway_ip=_TEXT_OR_NULL,
            enable_dhcp=_FLAG,
            dns_nameservers=_list(_TEXT),
            allocation_pools=_list(_object(start=_TEXT, end=_TEXT)),
            host_routes=_list(_object(destination=_TEXT, nexthop=_TEXT)),
            ipv6_ra_mode=_TEXT_OR_NULL,
            ipv6_address_mode=_TEXT_OR_NULL,
            description=_TEXT,
            tags=_TAGS,
            subnet_pool=_TEXT_OR_NULL,
            service_types=_TAGS,
        )
    ),
    routers=_list(
        _object(
            name=_TEXT,
            external_network=_TEXT_OR_NULL,
            enable_snat=_FLAG,
            subnets=_list(_TEXT),
            is_up=_FLAG,
            description=_TEXT,
            tags=_TAGS,
            interface_addresses=_list(_ADDRESS),
            gateway_addresses=_list(_TEXT),
            gateway_qos_policy=_TEXT_OR_NULL,
            routes=_list(_object(destination=_TEXT, nexthop=_TEXT)),
            is_ha=_FLAG_OR_NULL,
            is_distributed=_FLAG_OR_NULL,
        )
    ),
    security_groups=_list(
        _object(
            name=_TEXT,
            description=_TEXT,
            rules=_list(
                _object(
                    direction={"enum": ["ingress", "egress"]},
                    ether_type={"enum": ["IPv4", "IPv6"]},
                    protocol=_TEXT_OR_NULL,
                    port_range_min=_PORT_OR_NULL,
                    port_range_max=_PORT_OR_NULL,
                    remote_ip_prefix=_TEXT_OR_NULL,
                    remote_group=_TEXT_OR_NULL,
                    remote_address_group=_TEXT_OR_NULL,
                    description=_TEXT,
                )
            ),
            is_stateful=_FLAG,
            tags=_TAGS,
        )
    ),
    key_pairs=_list(_object(name=_TEXT, public_key={"type": "string", "maxLength": 16384})),
    server_groups=_list(
        _object(
            name=_TEXT,
            policy={"enum": ["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]},
            max_per_host={"type": ["integer", "null"], "minimum": 1, "maximum": _BIGGEST},
        )
    ),
    ports=_list(_PORT),
    trunks=_list(_TRUNK),
    forwarders=_list(_FORWARDER),
    address_groups=_list(_object(name=_TEXT, description=_TEXT, addresses=_list(_TEXT))),
)

_SEALED_KEY = _object(
    sealed_for={"type": "string", "pattern": "^sha256:[0-9a-f]{64}" + _END},
    algorithm=_TEXT,
    bit_length=_COUNT,
    # What RSA makes with the longest key that anybody has, in base64.
    sealed={"type": "string", "maxLength": 4096, "pattern": "^[A-Za-z0-9+/]+={0,2}" + _END},
)

_COPY = _object(
    volume_id=_UUID,
    # Which methods there are is known to those who make and restore copies: one that they do not know is refused there.
    method={"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}" + _END},
    copy_id=_UUID,
    chain=_list(_UUID, least=1),
    size=_COUNT,
    incremental=_FLAG,
    object_count=_COUNT,
    container=_TEXT,
    stored_bytes=_COUNT,
    inventory={"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?" + _END},
    verified={"enum": ["records", "objects", "readable", "restore"]},
    content=_object(
        proved_at={"type": "string", "pattern": f"^({_MOMENT})?" + _END},
        how={"enum": ["", "readable", "restore"]},
        proved_by={"type": "string", "pattern": f"^({NAME_PATTERN})?{_END}"},
        passed_over=_COUNT,
    ),
    key=_or_null(_SEALED_KEY),
)

_CHECKPOINT = _with_optional(
    _object(
        id=_NAME,
        created_at={"type": "string", "pattern": f"^{_MOMENT}{_END}"},
        site=_TEXT,
        consistency=_CONSISTENCY,
        server_consistency={"type": "object", "additionalProperties": _CONSISTENCY},
        evidence={"type": "object"},
    ),
    together=_or_null(_object(project=_TEXT, projects=_list(_TEXT, least=2), tiers=_list(_NAME, least=1))),
)

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        schema_version={"const": SCHEMA_VERSION},
        checkpoint=_CHECKPOINT,
        application=_object(name=_NAME, tiers=_list(_TIER, least=1)),
        servers=_list(_SERVER, least=1),
        topology=_TOPOLOGY,
        missing=_list(_object(resource=_SENTENCE, attribute=_TEXT, value=_TEXT, note=_SENTENCE)),
        copies=_list(_COPY, least=1),
    ),
}

_MEMBERS = t.cast("dict[str, t.Any]", SCHEMA["properties"])
FORM = Form(SCHEMA)
#: The members that stand before the servers in a stored manifest, in which all stand in the order of their names.
OUTLINE = Form(_object(**{name: schema for name, schema in _MEMBERS.items() if name < "servers"}))
