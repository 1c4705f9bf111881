# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate names and addresses of hosts from elsewhere before they become part of a URI."""

from __future__ import annotations

import ipaddress
import re

#: Letters, digits and hyphens; underscores too, which some hosts have. No label begins with a hyphen, so no name looks like an option.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST_NAME = 253


def host_in_uri(host: str) -> str | None:
    """A host's name or address as it stands in a URI, IPv6 in brackets; None when it is neither."""
    if ":" in host:
        return f"[{host}]" if _is_ipv6(host) else None
    return host if len(host) <= _LONGEST_NAME and _NAME.fullmatch(host) else None


def _is_ipv6(host: str) -> bool:
    try:
        # What follows a '%' is an interface of ours, and any text.
        return "%" not in host and bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False
