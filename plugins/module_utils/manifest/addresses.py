# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address ranges of subnets, and the translation of addresses from one range to another. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..core.libraries import library
from .specs import SubnetSpec

#: Modes of IPv6 subnets.
_DERIVING = {"slaac", "dhcpv6-stateless"}


class NoPlace(Exception):
    """An address or a range of addresses has no counterpart in the new range."""


def network(text: str) -> t.Any:
    """Parse a range of addresses; None when it is not one."""
    return _parsed(text, "IPNetwork")


def network_problem(text: str) -> str | None:
    """What is wrong with a range that a person wrote; None when nothing is."""
    found = network(text) if "/" in text else None
    if found is None:
        return f"is '{text}', which is not a range of addresses; write it like 10.20.0.0/24"
    return f"is '{text}', which is an address in {found.cidr}; write {found.cidr}" if found.ip != found.cidr.ip else None


def plain_address(address: str) -> str:
    """An address in the form that can be compared; IPv6 has many. What is none is as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def contains(cidr: str, address: str) -> bool:
    """Whether a range has an address for a port; what cannot be read counts as unknown, and so as in it."""
    block, host = network(cidr), _parsed(address, "IPAddress")
    return block is None or host is None or (host in block and not _reserved(block, host))


def holds(cidr: str, part: str) -> bool:
    """Whether a range has all of another one; what cannot be read has nothing."""
    block, inside = network(cidr), network(part)
    return block is not None and inside is not None and inside in block


def without(pools: t.Sequence[t.Mapping[str, str]], addresses: t.Iterable[str]) -> list[dict[str, str]]:
    """Allocation pools, in the order of their addresses, in which some addresses are missing."""
    ends = [(_parsed(pool["start"], "IPAddress"), _parsed(pool["end"], "IPAddress")) for pool in pools]
    if not all(start and end for start, end in ends):
        # What cannot be read is for Neutron to refuse.
        return [dict(pool) for pool in pools]
    found = sorted(ends)
    for host in (_parsed(one, "IPAddress") for one in addresses):
        found = [part for pool in found for part in (_without(*pool, host) if host else [pool])]
    return [{"start": str(start), "end": str(end)} for start, end in found]


def _without(start: t.Any, end: t.Any, host: t.Any) -> list[tuple[t.Any, t.Any]]:
    """What of a pool remains without one address."""
    if host.version != start.version or not start <= host <= end:
        return [(start, end)]
    before, after = [(start, host - 1)] if start < host else [], [(host + 1, end)] if host < end else []
    return before + after


def derives_addresses(ra_mode: str | None, address_mode: str | None) -> bool:
    """Whether the addresses of a subnet's ports follow from their MAC addresses, so that none can be asked for."""
    return bool(_DERIVING & {ra_mode, address_mode})


def _reserved(block: t.Any, host: t.Any) -> bool:
    """The first and the last address of an IPv4 network are not for ports, but in the smallest ones."""
    return block.version == 4 and block.prefixlen < 31 and host.value in (block.first, block.last)


def _parsed(text: str, kind: str) -> t.Any:
    netaddr = library("netaddr", "netaddr")
    try:
        return getattr(netaddr, kind)(text)
    except (netaddr.AddrFormatError, ValueError):
        return None


@dataclasses.dataclass(frozen=True)
class SubnetMove:
    """A subnet that has another range at the site.

    :param subnet: its name at the source.
    :param old: as netaddr has it; so is ``new``.
    """

    subnet: str
    old: t.Any
    new: t.Any

    @classmethod
    def of(cls, spec: SubnetSpec, cidr: str | None) -> SubnetMove | None:
        """The move of a subnet to another range.

        :returns: None where nothing moves.
        :raises NoPlace: when it cannot.
        """
        if cidr is None or cidr == spec.cidr:
            return None
        old, new = network(spec.cidr), network(cidr)
        if old is None or new is None or old.version != new.version:
            raise NoPlace(f"subnet '{spec.name}' has the range {spec.cidr} at the source, which cannot be moved to {cidr}")
        return cls(spec.name, old.cidr, new.cidr)

    def holds(self, text: str) -> bool:
        """Whether an address, or a whole range, lies in the old range."""
        found = network(text)
        return found is not None and found in self.old

    def address(self, text: str) -> str:
        """The address with the same host part.

        :raises NoPlace: when the new range is too small for it.
        """
        value = self._moved(network(text).first)
        host = type(self.new.ip)(value, self.new.version) if self.new.first <= value <= self.new.last else None
        if host is None or (_reserved(self.new, host) and not _reserved(self.old, network(text).ip)):
            raise NoPlace(f"{text} has no place in {self.new}")
        return str(host)

    def range(self, text: str) -> str:
        """The corresponding part of the new range; the whole for the whole.

        :raises NoPlace: when the new range is too small for it.
        """
        part = network(text).cidr
        if part == self.old:
            return str(self.new)
        first = self._moved(part.first)
        if first + part.size - 1 > self.new.last:
            raise NoPlace(f"{text} has no place in {self.new}")
        return f"{type(self.new.ip)(first, self.new.version)}/{part.prefixlen}"

    def pool(self, start: str, end: str) -> tuple[str, str] | None:
        """A range from address to address, cut to what the new range has; None when nothing is left."""
        margin = 0 if self.new.version == 6 or self.new.prefixlen >= 31 else 1
        first = self._moved(network(start).first)
        last = min(self._moved(network(end).first), self.new.last - margin)
        address = type(self.new.ip)
        return (str(address(first, self.new.version)), str(address(last, self.new.version))) if first <= last else None

    def _moved(self, value: int) -> int:
        return value - self.old.first + self.new.first


@dataclasses.dataclass(frozen=True)
class Renumbering:
    """All subnets of an application that have other ranges at the site."""

    moves: tuple[SubnetMove, ...] = ()

    def of_subnet(self, name: str) -> SubnetMove | None:
        return next((move for move in self.moves if move.subnet == name), None)

    def moved(self, text: str, near: t.Collection[str] = ()) -> str:
        """An address, or a range, where it is at the site; what lies in no subnet that moves stays.

        :param near: names of subnets whose ranges are meant first, where isolated ones have the same.
        :raises NoPlace: when it is not clear where to, or there is no room.
        """
        holding = [move for move in self.moves if move.holds(text)]
        holding = [move for move in holding if move.subnet in near] or holding
        found = {move.range(text) if "/" in text else move.address(text) for move in holding}
        if len(found) > 1:
            names = " and ".join(f"'{move.subnet}'" for move in holding)
            raise NoPlace(f"{text} lies in the subnets {names}, which move to different ranges")
        return found.pop() if found else text
