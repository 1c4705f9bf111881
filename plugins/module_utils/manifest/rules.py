# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of security groups, as Neutron has them and as the manifest does."""

from __future__ import annotations

import typing as t

from ..core.records import SecurityGroupRule
from .specs import SecurityGroupRuleSpec


def rule_spec(rule: SecurityGroupRule, names: t.Mapping[str, str]) -> SecurityGroupRuleSpec:
    """Describe a rule as Neutron has it.

    :param names: per id of the security groups and address groups that rules may name; any other is named by its id.
    """
    remote, addresses = rule.remote_group_id, rule.remote_address_group_id
    return SecurityGroupRuleSpec(
        direction=rule.direction,
        ether_type=rule.ether_type,
        protocol=rule.protocol,
        port_range_min=rule.port_range_min,
        port_range_max=rule.port_range_max,
        remote_ip_prefix=rule.remote_ip_prefix,
        remote_group=names.get(remote, remote) if remote else None,
        remote_address_group=names.get(addresses, addresses) if addresses else None,
        description=rule.description,
    )
