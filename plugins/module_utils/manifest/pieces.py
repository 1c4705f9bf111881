# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second copy of a checkpoint's manifest, in the metadata of its backups, or of whatever its copies consist of.

So the catalogue can be rebuilt from these holders alone. Cinder's metadata has short values, so the
manifest is compressed and cut into pieces, spread over the holders. Each holder says how many pieces there are and
what their digest is, which proves that they are complete, and all of one manifest.
"""

from __future__ import annotations

import base64
import collections
import hashlib
import re
import typing as t
import zlib

from ..core.errors import ManifestInvalid

#: Says on each holder how many pieces there are, and the digest of all of them joined.
LABEL_KEY = "osdr_manifest"
_PIECE = re.compile(rf"{LABEL_KEY}_([0-9]{{4,6}})")
_LABEL = re.compile(r"([1-9][0-9]{0,5}):([0-9a-f]{64})")
_LONGEST = 255


class Holder(t.Protocol):
    """What has metadata in which a share of a manifest can be kept: a backup, for example."""

    @property
    def id(self) -> str:
        """An id that is unique among the holders of a manifest."""

    @property
    def metadata(self) -> t.Mapping[str, str]:
        """All its metadata, including other people's."""


def split(content: bytes, holder_ids: t.Iterable[str]) -> dict[str, dict[str, str]]:
    """The metadata that each holder gets for its share of a manifest."""
    text = base64.b64encode(zlib.compress(content, 9)).decode()
    pieces = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    label = f"{len(pieces)}:{_digest(text)}"
    holders = sorted(set(holder_ids))
    shares = {holder: range(number, len(pieces), len(holders)) for number, holder in enumerate(holders)}
    return {holder: {LABEL_KEY: label, **{_key(n): pieces[n] for n in share}} for holder, share in shares.items()}


def join(metadata: t.Sequence[t.Mapping[str, str]], at_most: int) -> bytes:
    """The manifest in the metadata of the holders of one checkpoint.

    :param at_most: so many bytes, however much the pieces would unpack to.
    :raises ManifestInvalid: when pieces are missing, changed, or of several manifests.
    """
    labels = {one[LABEL_KEY] for one in metadata if LABEL_KEY in one}
    if len(labels) != 1:
        raise ManifestInvalid(f"The backups hold parts of {len(labels)} manifests: publishing was interrupted.")
    match = _LABEL.fullmatch(labels.pop())
    if not match:
        raise ManifestInvalid(f"The label '{LABEL_KEY}' of its backups is damaged.")
    return _unpack(_joined(collections.ChainMap(*map(dict, metadata)), int(match[1]), match[2]), at_most)


def _joined(found: t.Mapping[str, str], count: int, digest: str) -> str:
    # A label may promise a million: whatever it says, the first that is missing comes after as many as there are at the latest.
    missing = next((number for number in range(count) if _key(number) not in found), None)
    if missing is not None:
        there = sum(1 for key in found if (match := _PIECE.fullmatch(key)) and int(match[1]) < count)
        raise ManifestInvalid(f"{count - there} of {count} pieces of its manifest are missing, beginning with {_key(missing)}.")
    text = "".join(found[_key(number)] for number in range(count))
    if _digest(text) != digest:
        raise ManifestInvalid("The pieces of its manifest were changed or damaged.")
    return text


def _unpack(text: str, at_most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), at_most)
    except (ValueError, zlib.error) as error:
        raise ManifestInvalid(f"The pieces of its manifest cannot be unpacked ({error}).") from error


def to_store(content: bytes, holders: t.Sequence[Holder]) -> dict[str, dict[str, str]]:
    """Metadata per id of the holders that do not hold their share of a manifest yet.

    :param holders: all of the checkpoint's own.
    """
    shares = split(content, [holder.id for holder in holders])
    return _changed(holders, shares)


def to_remove(holders: t.Sequence[Holder]) -> dict[str, dict[str, str]]:
    """New metadata, without pieces, for the holders that have some, per id."""
    return _changed(holders, {})


def _changed(holders: t.Iterable[Holder], shares: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, dict[str, str]]:
    wanted = {holder.id: (holder, _with_share(holder.metadata, shares.get(holder.id, {}))) for holder in holders}
    return {one: metadata for one, (holder, metadata) in wanted.items() if metadata != holder.metadata}


def _with_share(metadata: t.Mapping[str, str], share: t.Mapping[str, str]) -> dict[str, str]:
    """A holder's own metadata, and a share of a manifest instead of what it held of any: Cinder replaces all at once."""
    return {**{key: value for key, value in metadata.items() if not _is_ours(key)}, **share}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(number: int) -> str:
    return f"{LABEL_KEY}_{number:04d}"


def _is_ours(key: str) -> bool:
    return key == LABEL_KEY or key.startswith(f"{LABEL_KEY}_")
