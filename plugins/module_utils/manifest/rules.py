# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of security groups, as Neutron has them and as the manifest does."""

from __future__ import annotations

import typing as t

from ..core.records import SecurityGroupRule
from .specs import SecurityGroupRuleSpec


def rule_spec(rule: SecurityGroupRule, group_names: t.Mapping[str, str]) -> SecurityGroupRuleSpec:
    """Describe a rule as Neutron has it.

    :param group_names: name per id of the security groups that rules may name; any other is named by its id.
    """
    remote = rule.remote_group_id
    return SecurityGroupRuleSpec(
        direction=rule.direction,
        ether_type=rule.ether_type,
        protocol=rule.protocol,
        port_range_min=rule.port_range_min,
        port_range_max=rule.port_range_max,
        remote_ip_prefix=rule.remote_ip_prefix,
        remote_group=group_names.get(remote, remote) if remote else None,
    )
