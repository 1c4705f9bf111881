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
        """Make something.

        :param what: as messages call it.
        :param create: makes it from the body of a request.
        """
        left = dict(wishes.body)
        while True:
            try:
                return create({**body, **left})
            except CloudError as error:
                if not left or error.http_status not in _REFUSALS:
                    raise
                refused = _refused(error.message, left, wishes.names)
                left = {key: value for key, value in left.items() if key not in refused}
                self._warn(what, ", ".join(wishes.names[key] for key in refused), error)

    def tag(self, what: str, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Set the tags of a resource, where the site has such things.

        :param what: as messages call it.
        """
        if TAGS in self._site.extensions:
            self.give(what, "tags", lambda: self._network.set_tags(collection, resource_id, tags))


def _refused(message: str, wishes: t.Iterable[str], names: t.Mapping[str, str]) -> list[str]:
    """What a refusal names, or else everything."""
    everything = list(wishes)
    # A policy is called after what it forbids, e.g. rule:create_port:binding:profile.
    words = [word.split(":") for word in re.findall(r"[a-z_:]+", message)]
    called = {":".join(parts[start:end]) for parts in words for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    told = {key: {key, *names[key].split(", ")} for key in everything}
    return [key for key in everything if called & told[key] or any(_is_spoken_of(name, message) for name in told[key])] or everything


def _is_spoken_of(name: str, message: str) -> bool:
    """Whether a refusal has the name of an attribute in words, as in "the number of DNS nameservers exceeds the limit"."""
    return "_" in name and name.replace("_", " ") in message.lower()
