# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make something with what its site may refuse, or else without it."""

from __future__ import annotations

import re
import typing as t

from ..cloud.network import Networking
from ..core.errors import CloudError
from .site import RestoreSite
from .wishes import TAGS, Wishes

Made = t.TypeVar("Made")

#: Statuses with which a service refuses what it does not know, does not allow, does not find, or has given to others. Nothing is made then.
_REFUSALS = (400, 403, 404, 409)
_FORBIDDEN = 403


class Giver:
    """Gives what is there what its site may refuse, or else does without.

    :param site: its name.
    :ivar warnings: what is without something.
    """

    def __init__(self, site: str) -> None:
        self._site_name = site
        self.warnings: list[str] = []

    def give(self, what: str, attribute: str, act: t.Callable[[], Made]) -> Made | None:
        """Give something that is there an attribute that its site may refuse.

        :param what: as messages call it.
        :param act: gives it.
        :returns: what that returned; None where it was refused.
        """
        try:
            return act()
        except CloudError as error:
            if error.http_status not in _REFUSALS:
                raise
            self._warn(what, attribute, error)
            return None

    def _warn(self, what: str, attribute: str, error: CloudError) -> None:
        self.warnings.append(f"{what} at site '{self._site_name}' is without {attribute}, which the site refuses: {error.message}")


class Maker(Giver):
    """Makes parts of networks, without what the site refuses."""

    def __init__(self, network: Networking, site: RestoreSite) -> None:
        super().__init__(site.name)
        self._network = network
        self._site = site

    def make(self, what: str, create: t.Callable[[dict[str, t.Any]], Made], body: t.Mapping[str, t.Any], wishes: Wishes) -> Made:
        """Make something, with as much as the site takes.

        :param what: as messages call it.
        :param create: makes it from the body of a request.
        """
        made, lost = _made(create, body, wishes)
        for error in dict.fromkeys(lost.values()):
            self._warn(what, ", ".join(wishes.told(key) for key, refusal in lost.items() if refusal is error), error)
        self.warnings += [f"{what} at site '{self._site_name}' {fallback.told}." for key, fallback in wishes.fallbacks.items() if key in lost]
        return made

    def tag(self, what: str, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Set the tags of a resource, where the site has such things.

        :param what: as messages call it.
        """
        if TAGS in self._site.extensions:
            self.give(what, "tags", lambda: self._network.set_tags(collection, resource_id, tags))


def _made(create: t.Callable[[dict[str, t.Any]], Made], body: t.Mapping[str, t.Any], wishes: Wishes) -> tuple[Made, dict[str, CloudError]]:
    """Make something with as much as possible.

    :returns: it, and the keys that it is without, each with the refusal.
    """
    try:
        return create({**body, **wishes.body, **wishes.due}), {}
    except CloudError as error:
        refusal, refused = error, wishes.bound(_refused(error, wishes))
        if not refused:
            raise
    # Neutron tells one policy that forbids something together with those of all else in the request.
    for key in refused if refusal.http_status == _FORBIDDEN and len(refused) > 1 else ():
        gone = wishes.bound([key])
        fewer = wishes.without(gone)
        try:
            return create({**body, **fewer.body, **fewer.due}), dict.fromkeys(gone, refusal)
        except CloudError as error:
            if error.http_status not in _REFUSALS:
                raise
    # Several of them are forbidden, then: what is firm, and what depends on that, goes last.
    last = wishes.bound([key for key in refused if key in wishes.firm])
    gone = [key for key in refused if key not in last] or refused
    made, lost = _made(create, body, wishes.without(gone))
    return made, {**dict.fromkeys(gone, refusal), **lost}


def _refused(error: CloudError, wishes: Wishes) -> list[str]:
    """What a refusal names, or else everything; what is firm only where it is forbidden, and after all else."""
    if error.http_status not in _REFUSALS:
        return []
    others = [key for key in wishes.body if key not in wishes.firm]
    may_go = list(wishes.body) if error.http_status == _FORBIDDEN else others
    return _named(error.message, {key: wishes.names[key] for key in may_go}) or others or may_go


def _named(message: str, names: t.Mapping[str, str]) -> list[str]:
    """Keys of the attributes that a refusal names."""
    # A policy is called after what it forbids, e.g. rule:create_port:binding:profile.
    words = [word.split(":") for word in re.findall(r"[a-z_:]+", message)]
    called = {":".join(parts[start:end]) for parts in words for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    told = {key: {key, *name.split(", ")} for key, name in names.items()}
    return [key for key in names if called & told[key] or any(_is_spoken_of(name, message) for name in told[key])]


def _is_spoken_of(name: str, message: str) -> bool:
    """Whether a refusal has the name of an attribute in words, as in "the number of DNS nameservers exceeds the limit"."""
    return "_" in name and name.replace("_", " ") in message.lower()
