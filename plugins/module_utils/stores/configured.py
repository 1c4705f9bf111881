# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out from a site's entry in clouds.yaml where its catalogues are.

That is a fact of the site, like the address of its Keystone, and it comes with secrets. So it is told once, where both are told, and no module, role or
playbook has an option for it. Without a word about it they are in the site's own object store.
"""

from __future__ import annotations

import typing as t

from ..cloud.object_store import ObjectStore
from ..cloud.session import Cloud
from ..core.errors import InvalidInput
from ..core.text import told
from .directory import DirectoryStore
from .home import Home
from .s3 import S3Store
from .store import CatalogueStore
from .swift import SwiftStore

#: The name in clouds.yaml.
SETTING = "osdr_catalogue"
_KINDS: t.Mapping[str, t.Callable[[t.Any, Home], CatalogueStore]] = {"s3": S3Store.parse, "directory": DirectoryStore.parse}


def configured_store(cloud: Cloud, container: str) -> CatalogueStore:
    """The store of one of a site's catalogues.

    :param container: of the catalogue; in a bucket or directory it is a folder.
    :raises InvalidInput: when what clouds.yaml says of it cannot be used.
    """
    given = cloud.setting(SETTING)
    if given is None:
        return SwiftStore(ObjectStore(cloud), container)
    try:
        kind, settings = _only_member(given)
        return _KINDS[kind](settings, Home(cloud, container))
    except ValueError as problem:
        raise InvalidInput(
            f"'{SETTING}' of cloud '{cloud.site}' cannot be used: {problem}.",
            "Give it either 's3', with at least a bucket, or 'directory', with an absolute path.",
        ) from problem


def _only_member(given: t.Any) -> tuple[str, t.Any]:
    if not isinstance(given, dict) or len(given) != 1:
        raise ValueError("it must have exactly one member")
    kind = next(iter(given))
    if kind not in _KINDS:
        raise ValueError(f"there is no kind of store '{told(kind)}'")
    return kind, given[kind]
