# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: the manifests that are stored for the remote site.

A checkpoint exists for a restore only once its manifest is here. A document is there as a whole or not at all. Whoever may write
to the store may also damage it: an unreadable manifest hides no other. Several are fetched in parallel, but parsed one at a time,
the small ones first: a parsed manifest takes many times the memory of the stored one.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import functools
import re
import threading
import typing as t

from ..application.definition import NAME_PATTERN, require_checkpoint_id, require_name
from ..cloud.session import Cloud
from ..core.consistency import satisfies
from ..core.errors import (
    ActiveRecordInvalid,
    Busy,
    CheckpointReplaced,
    CloudError,
    DrillRecordInvalid,
    InvalidInput,
    ManifestInvalid,
    NotFound,
    RollBackRecordInvalid,
)
from ..manifest.manifest import Checkpoint, Manifest, Outline
from ..manifest.plain import plain
from ..manifest.signed import Seal
from ..stores.configured import configured_store
from ..stores.store import CatalogueStore, StoredDocument
from ..work.pool import Outcome, attempt_all
from . import active_record, drill_record, roll_back_record
from .active_record import ActiveRecord, DamagedRecord, moment_of
from .drill_record import DrillRecord
from .roll_back_record import RollBackRecord

#: Selects the newest checkpoint.
LATEST = "latest"
#: Stands for the checkpoint of the last drill that passed.
DRILL = "drill"
#: Bytes; a manifest of a thousand servers has about five million.
LARGEST = 32 * 2**20
#: Bytes; the most that is read without signatures, enough for fifty checkpoints of a thousand servers.
LARGEST_UNSIGNED_IN_ALL = 256 * 2**20
_MANIFEST_NAME = re.compile(rf"({NAME_PATTERN})/({NAME_PATTERN})\.json")
#: How many objects are fetched in parallel.
_READERS = 4


#: What is kept of a checkpoint, and what is read of one.
Kept = t.TypeVar("Kept")
Found = t.TypeVar("Found", Manifest, "Manifest | Outline")
#: Reads the content of an object that should be the manifest of a checkpoint, which the names of its application and itself tell.
_Parse = t.Callable[[bytes, tuple[str, str], Seal], Found]
#: Id of a checkpoint, by the name of the object that should be its manifest.
_Named = tuple[str, StoredDocument]


@dataclasses.dataclass(frozen=True)
class Damaged:
    """A manifest that cannot be used.

    :param checkpoint: the id that it should have, by the name of its object.
    """

    name: str
    checkpoint: str
    problem: str

    @property
    def error(self) -> ManifestInvalid:
        """For somebody who wants just this one."""
        return ManifestInvalid(self.problem, "Rebuild it with os_catalogue_rebuild, or remove it with os_checkpoint (state: absent).")

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "problem": self.problem}


@dataclasses.dataclass(frozen=True)
class CheckpointChoice:
    """Selects the newest checkpoint that meets all conditions.

    :param checkpoint: its id, or :data:`LATEST` for any.
    :param not_after: the latest time that its data may be of.
    :param consistency: the least acceptable.
    """

    checkpoint: str = LATEST
    not_after: datetime.datetime | None = None
    consistency: str | None = None

    def allows(self, checkpoint: Checkpoint) -> bool:
        return (
            self.checkpoint in (LATEST, checkpoint.id)
            and (self.not_after is None or checkpoint.moment <= self.not_after)
            and (self.consistency is None or satisfies(checkpoint.consistency, self.consistency))
        )

    def __str__(self) -> str:
        name = "checkpoint" if self.checkpoint == LATEST else f"checkpoint '{self.checkpoint}'"
        time = f" not after {self.not_after.isoformat()}" if self.not_after else ""
        return name + time + (f" that is at least {self.consistency}-consistent" if self.consistency else "")


def parse_time(text: str) -> datetime.datetime:
    """Parse a time that a person gave.

    :raises InvalidInput: when it is not a time, or has no offset.
    """
    moment = moment_of(text)
    if moment is None:
        raise InvalidInput(
            f"'{text}' is not a time with an offset.", "Write it in ISO 8601, like 2026-11-22T12:00:00Z or 2026-11-22T13:00:00+01:00."
        )
    return moment


@dataclasses.dataclass(frozen=True)
class Overview(t.Generic[Kept]):
    """What is kept of the checkpoints of one application, the newest first.

    :param damaged: whose manifests cannot be used, as far as they were read.
    """

    kept: tuple[Kept, ...]
    damaged: tuple[Damaged, ...]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A checkpoint in a list.

    :param checkpoint: without its evidence, of which there is much.
    :param is_bound: as :class:`Manifest` has it.
    :param summary: as lists show it.
    """

    checkpoint: Checkpoint
    is_bound: bool
    summary: t.Mapping[str, t.Any]

    @classmethod
    def of(cls, manifest: Manifest) -> Entry:
        return cls(manifest.checkpoint.bare, manifest.is_bound, summary(manifest))


@dataclasses.dataclass(frozen=True)
class Listing(Overview[Entry]):
    """The checkpoints of one application, the newest first."""

    @property
    def ids(self) -> set[str]:
        """Of all checkpoints, the damaged ones too."""
        return {one.checkpoint.id for one in self.kept} | {one.checkpoint for one in self.damaged}

    @property
    def unbound(self) -> list[str]:
        """Ids of the checkpoints whose signature names no catalogue, as written by earlier versions."""
        return [one.checkpoint.id for one in self.kept if not one.is_bound]

    def select(self, choice: CheckpointChoice) -> str | None:
        """Id of the selected checkpoint; None when nothing matches.

        :raises ManifestInvalid: when the one named is damaged.
        """
        for damaged in self.damaged:
            if damaged.checkpoint == choice.checkpoint != LATEST:
                raise damaged.error
        return next((one.checkpoint.id for one in self.kept if choice.allows(one.checkpoint)), None)


class Catalogue:
    """The checkpoints in one store.

    :param key: signs what is published and verifies what is read; None for no signatures.
    """

    def __init__(self, store: CatalogueStore, key: str | None = None) -> None:
        self._store = store
        self._key = key
        self._parsing = threading.Lock()

    @classmethod
    def of(cls, cloud: Cloud, params: t.Mapping[str, t.Any]) -> Catalogue:
        """The catalogue that the options of the fragment ``catalogue`` name."""
        if params["hmac_key"] == "":
            raise InvalidInput(
                "hmac_key is empty, so nothing would be signed or verified.",
                "Give the key. To work without signatures, omit the module's option, or set the variable of the role or playbook to 'unsigned'.",
            )
        return cls(configured_store(cloud, params["container"]), params["hmac_key"])

    @property
    def place(self) -> str:
        """The catalogue's name in messages."""
        return self._store.place

    @functools.cached_property
    def seal(self) -> Seal:
        """The seal that ties documents to this catalogue, by the project's id: names of sites differ from one controller to the next."""
        return Seal(self._key, self._store.identity)

    def applications(self) -> list[str]:
        """Names of the applications with checkpoints here."""
        found = map(_MANIFEST_NAME.fullmatch, self._store.names())
        return sorted({match[1] for match in found if match})

    def listing(self, application: str) -> Listing:
        """All checkpoints of an application.

        :raises CloudError: as :meth:`checkpoints` does.
        """
        found = self.checkpoints(application, Entry.of)
        return Listing(found.kept, found.damaged)

    def checkpoints(self, application: str, keep: t.Callable[[Manifest], Kept]) -> Overview[Kept]:
        """What somebody keeps of each checkpoint of an application.

        :param keep: makes of a checkpoint what is kept of it; no other is in memory meanwhile.
        :raises CloudError: when none can be read; a single unreadable one is listed as damaged.
        """
        return self._overview(application, read_manifest, keep)

    def overview(self, application: str, keep: t.Callable[[Manifest | Outline], Kept]) -> Overview[Kept]:
        """Like :meth:`checkpoints`, but of a manifest only the beginning is read where that tells enough. What follows may be damaged."""
        return self._overview(application, read_outline, keep)

    def _overview(self, application: str, parse: _Parse[Found], keep: t.Callable[[Found], Kept]) -> Overview[Kept]:
        """Read all checkpoints of an application, as far as that can be afforded; what vanished meanwhile is not there."""

        def read(checkpoint: str) -> tuple[datetime.datetime, str, Kept]:
            """What is kept of a checkpoint, after what it is ordered by."""
            content = self._content(application, checkpoint)
            with self._parsing, self._naming(application, checkpoint):
                found = parse(content, (application, checkpoint), self.seal)
                return found.checkpoint.moment, checkpoint, keep(found)

        stored = self._store.documents(application)
        named = [(match[2], one) for one in stored if (match := _MANIFEST_NAME.fullmatch(one.name))]
        affordable, left = self._affordable(sorted(named, key=lambda one: (one[1].size, one[0])))
        outcomes = attempt_all({one: functools.partial(read, one) for one, _stored in affordable}, _READERS)
        _raise_common(outcomes.values())
        damaged = {one: str(outcome.error) for one, outcome in outcomes.items() if outcome.error and not _vanished(outcome)}
        damaged |= {one: self._too_much(stored) for one, stored in left}
        newest_first = sorted((outcome.value for outcome in outcomes.values() if outcome.value), key=lambda one: one[:2], reverse=True)
        return Overview(
            tuple(kept for _moment, _checkpoint, kept in newest_first),
            tuple(Damaged(_object_name(application, one), one, problem) for one, problem in sorted(damaged.items())),
        )

    def _affordable(self, small_first: list[_Named]) -> tuple[list[_Named], list[_Named]]:
        """Split manifests into those that are read and those that would take too much memory; with a key, unsigned ones are not parsed anyway."""
        total = 0
        for number, (_checkpoint, stored) in enumerate(small_first):
            total += min(stored.size, LARGEST)
            if self._key is None and total > LARGEST_UNSIGNED_IN_ALL:
                return small_first[:number], small_first[number:]
        return small_first, []

    def _too_much(self, stored: StoredDocument) -> str:
        return (
            f"Object '{stored.name}' ({stored.size} bytes) in {self.place} was not read: without hmac_key, at most {LARGEST_UNSIGNED_IN_ALL >> 20} MiB "
            "of manifests are read, the small ones first. Remove it if it is not yours, or sign the manifests."
        )

    def find(self, application: str, checkpoint: str) -> Manifest | None:
        """A checkpoint by its id; None when it does not exist.

        :raises ManifestInvalid: when it is damaged.
        """
        try:
            return self._load(application, checkpoint)
        except NotFound:
            return None

    def look(self, application: str, checkpoint: str) -> Manifest | Damaged | None:
        """Like :meth:`find`, for those who replace or remove what is damaged."""
        try:
            return self.find(application, checkpoint)
        except ManifestInvalid as error:
            return Damaged(_object_name(application, checkpoint), checkpoint, str(error))

    def look_at(self, names: t.Iterable[tuple[str, str]]) -> dict[tuple[str, str], Manifest | Damaged | None]:
        """Like :meth:`look` for many, by the names of application and checkpoint.

        :raises CloudError: when none can be read; a single unreadable one is damaged.
        """
        outcomes = attempt_all({one: functools.partial(self.look, *one) for one in names}, _READERS)
        _raise_common(outcomes.values())
        return {one: Damaged(_object_name(*one), one[1], str(outcome.error)) if outcome.error else outcome.value for one, outcome in outcomes.items()}

    def named(self, application: str, checkpoint: str) -> Manifest:
        """The checkpoint that somebody names: by its id, as :data:`LATEST`, or as :data:`DRILL`.

        :raises InvalidInput: for what cannot be an id.
        :raises NotFound: when there is none.
        :raises ManifestInvalid: when the one named is damaged.
        """
        if checkpoint == DRILL:
            checkpoint = self._drilled(application)
        name = require_name("the id of a checkpoint", checkpoint)
        return self._required(application, name, self._newest(application) if name == LATEST else self.look(application, name))

    def chosen(self, application: str, checkpoint: str, digest: str | None = None) -> Manifest:
        """The checkpoint that somebody has chosen before.

        :param digest: that it had then; None when any is good.
        :raises InvalidInput: for what cannot be a name or an id.
        :raises NotFound: when there is none by now.
        :raises ManifestInvalid: when it is damaged.
        :raises CheckpointReplaced: when it has another digest.
        """
        require_name("the name of an application", application)
        found = self._required(application, checkpoint, self.look(application, require_checkpoint_id(checkpoint)))
        if digest is not None and found.digest != digest:
            raise CheckpointReplaced(application, checkpoint, self.place)
        return found

    def _required(self, application: str, checkpoint: str, found: Manifest | Damaged | None) -> Manifest:
        if isinstance(found, Damaged):
            raise found.error
        if found is None:
            raise NotFound(f"Application '{application}' has no {CheckpointChoice(checkpoint)} in {self.place}.", "Name one that os_checkpoint_info lists.")
        return found

    def _newest(self, application: str) -> Manifest | None:
        """The newest checkpoint whose manifest can be read."""
        ids = self.overview(application, lambda outline: outline.checkpoint.id).kept
        return next((found for one in ids if isinstance(found := self.look(application, one), Manifest)), None)

    def _drilled(self, application: str) -> str:
        drill = self.last_successful_drill(application)
        if drill is None:
            raise NotFound(f"No drill of application '{application}' in {self.place} has passed.", "Run a drill, or name a checkpoint.")
        return drill.checkpoint

    def publish(self, manifest: Manifest, content: bytes | None = None) -> None:
        """Write a checkpoint's manifest to the catalogue.

        :param content: the manifest as stored elsewhere, perhaps signed with a key that is unknown here.
        """
        name = _object_name(manifest.application.name, manifest.checkpoint.id)
        self._store.write(name, content or manifest.dump(self.seal))

    def publish_new(self, manifest: Manifest, content: bytes | None = None) -> None:
        """Like :meth:`publish`, for a checkpoint that was not there when it was looked for.

        :raises Busy: when another run has published another manifest of it meanwhile.
        """
        application, checkpoint = manifest.application.name, manifest.checkpoint.id
        done = f"published checkpoint '{checkpoint}' of application '{application}'"
        self._write_new(_object_name(application, checkpoint), content or manifest.dump(self.seal), done)

    def remove(self, application: str, checkpoint: str) -> None:
        self._store.delete(_object_name(application, checkpoint))

    # Drills

    def record_drill(self, record: DrillRecord) -> None:
        """Write the record of a drill beside the manifest of its checkpoint."""
        self._store.write(record.object_name, record.dump(self.seal))

    def last_successful_drill(self, application: str) -> DrillRecord | None:
        """The newest drill that passed, of any checkpoint of an application."""
        return next(self.successful_drills(application), None)

    def successful_drills(self, application: str) -> t.Iterator[DrillRecord]:
        """The drills that passed, of any checkpoint of an application, the newest first. Unreadable records prove nothing and are skipped."""
        for name in drill_record.successful(self._store.names(application)):
            record = self._load_drill(name)
            if record:
                yield record

    def _load_drill(self, name: str) -> DrillRecord | None:
        try:
            content = self._store.read(name, drill_record.LARGEST_RECORD + 1)
            record = DrillRecord.load(content, self.seal)
        except (CloudError, DrillRecordInvalid):
            return None
        return record if record.object_name == name else None

    # Where the application runs

    def active(self, application: str) -> ActiveRecord | DamagedRecord | None:
        """The record of the site at which an application runs; None when nothing is recorded."""
        name = _record_name(application)
        try:
            content = self._store.read(name, active_record.LARGEST_RECORD + 1)
            return ActiveRecord.load(content, application, self.seal)
        except NotFound:
            return None
        except ActiveRecordInvalid as error:
            return DamagedRecord(f"Object '{name}' in {self.place}: {error.message}")

    def set_active(self, record: ActiveRecord) -> None:
        self._store.write(_record_name(record.application), record.dump(self.seal))

    # Roll-backs

    def roll_back(self, application: str) -> RollBackRecord | None:
        """The roll-back of an application that is not accepted yet; None when there is none.

        :raises RollBackRecordInvalid: when its record is damaged.
        """
        name = _roll_back_name(application)
        try:
            content = self._store.read(name, roll_back_record.LARGEST_ROLL_BACK + 1)
            return RollBackRecord.load(content, application, self.seal)
        except NotFound:
            return None
        except RollBackRecordInvalid as error:
            raise RollBackRecordInvalid(f"Object '{name}' in {self.place}: {error.message}", error.hint) from error

    def set_roll_back(self, record: RollBackRecord) -> None:
        self._store.write(_roll_back_name(record.application), record.dump(self.seal))

    def begin_roll_back(self, record: RollBackRecord) -> None:
        """Write the record of a roll-back where there was none.

        :raises Busy: when another run has begun one meanwhile.
        """
        self._write_new(_roll_back_name(record.application), record.dump(self.seal), f"begun a roll-back of application '{record.application}'")

    def remove_roll_back(self, application: str) -> None:
        self._store.delete(_roll_back_name(application))

    # Reading and writing

    def _write_new(self, name: str, content: bytes, done: str) -> None:
        """Write a document that was not there when it was looked for.

        :param done: completes "Another run has ...".
        """
        self._store.write_new(name, content)
        # No answer to the request tells this as well: it may have been repeated on its way, or another one replaced what it wrote.
        if not self._holds(name, content):
            raise Busy(f"Another run has {done} meanwhile.", "Let it finish; then re-run this one.")

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return self._store.read(name, len(content) + 1) == content
        except NotFound:
            return False

    def _load(self, application: str, checkpoint: str) -> Manifest:
        content = self._content(application, checkpoint)
        with self._parsing, self._naming(application, checkpoint):
            return read_manifest(content, (application, checkpoint), self.seal)

    def _content(self, application: str, checkpoint: str) -> bytes:
        return self._store.read(_object_name(application, checkpoint), LARGEST + 1)

    @contextlib.contextmanager
    def _naming(self, application: str, checkpoint: str) -> t.Iterator[None]:
        """Name the object in what is said of a damaged manifest."""
        try:
            yield
        except ManifestInvalid as error:
            raise ManifestInvalid(f"Object '{_object_name(application, checkpoint)}' in {self.place}: {error.message}", error.hint) from error


def read_outline(content: bytes, belongs: tuple[str, str], seal: Seal) -> Manifest | Outline:
    """Read as much of the manifest of a checkpoint as tells which one it is and what its copies need, or all where only that tells.

    :param belongs: names of the application and the checkpoint that it should be of.
    :raises ManifestInvalid: when it is damaged, or of another checkpoint.
    """
    outline = Outline.load(content, seal) if len(content) <= LARGEST else None
    if outline is None or (outline.application.name, outline.checkpoint.id) != belongs:
        return read_manifest(content, belongs, seal)
    return outline


def read_manifest(content: bytes, belongs: tuple[str, str], seal: Seal) -> Manifest:
    """Read the manifest of a checkpoint, wherever it is kept.

    :param belongs: names of the application and the checkpoint that it should be of.
    :raises ManifestInvalid: when it is damaged, or of another checkpoint.
    """
    if len(content) > LARGEST:
        raise ManifestInvalid(f"The manifest has more than {LARGEST >> 20} MiB, so it is not a manifest.")
    manifest = Manifest.load(content, seal)
    found = (manifest.application.name, manifest.checkpoint.id)
    if found != belongs:
        raise ManifestInvalid(f"The manifest is of checkpoint '{found[1]}' of application '{found[0]}'; somebody put it in the wrong place.")
    return manifest


def _vanished(outcome: Outcome[t.Any]) -> bool:
    """Whether somebody removed an object after it was listed."""
    return isinstance(outcome.error, NotFound)


def _raise_common(outcomes: t.Collection[Outcome[t.Any]]) -> None:
    """Raise an error that concerns all objects rather than one of them.

    :raises CloudError: the first one, when the store failed for every object.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error]
    failed = [error for error in errors if isinstance(error, CloudError) and not isinstance(error, NotFound)]
    if failed and len(failed) == len(outcomes):
        raise failed[0]
    for error in errors:
        if not isinstance(error, (CloudError, ManifestInvalid)):
            raise error


def _object_name(application: str, checkpoint: str) -> str:
    return f"{application}/{checkpoint}.json"


def _record_name(application: str) -> str:
    """Name of the record's object; no checkpoint can have this name, so it is never taken for a manifest."""
    return f"{application}/_active.json"


def _roll_back_name(application: str) -> str:
    """Name of the record of a roll-back; no checkpoint can have this name either."""
    return f"{application}/_roll-back.json"


def shown(found: Manifest | Damaged | None) -> dict[str, t.Any]:
    """A checkpoint as a diff shows it."""
    if isinstance(found, Damaged):
        return found.as_dict()
    return summary(found) if found else {}


def summary(manifest: Manifest) -> dict[str, t.Any]:
    """A checkpoint as lists show it."""
    return {
        "id": manifest.checkpoint.id,
        "application": manifest.application.name,
        "created_at": manifest.checkpoint.created_at,
        "site": manifest.checkpoint.site,
        "consistency": manifest.checkpoint.consistency,
        "servers": len(manifest.description.servers),
        "volumes": len(manifest.description.volumes),
        "gigabytes": sum(volume.size for volume in manifest.description.volumes),
    }


def details(manifest: Manifest) -> dict[str, t.Any]:
    """A checkpoint as those see it who have selected it: by what it is found again, and what of it is decided by."""
    checkpoint, servers = manifest.checkpoint, collections.defaultdict(list)
    for server in manifest.description.servers:
        servers[server.tier].append(server.name)
    return {
        **summary(manifest),
        "digest": manifest.digest,
        "incremental": sum(copy.incremental for copy in manifest.copies),
        "window": checkpoint.evidence.get("window"),
        "tiers": [{"name": tier.name, "servers": servers[tier.name]} for tier in manifest.application.tiers],
        "together": plain(checkpoint.together) if checkpoint.together else None,
    }
