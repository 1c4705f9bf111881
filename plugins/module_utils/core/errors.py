# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, in words that an operator can act on.

Nothing below the modules talks to ``AnsibleModule``: functions raise a :class:`DrError` and
:class:`reported` turns it into the one ``fail_json`` of the collection.
"""

from __future__ import annotations

import contextlib
import typing as t

from .text import printable


class DrError(Exception):
    """A failure that an operator can understand.

    :param message: what was wrong, on which server or volume of which site.
    :param hint: what to do about it; joined to the message.
    :param facts: JSON-able details for the result's ``error`` dictionary.
    """

    code = "failed"

    def __init__(self, message: str, hint: str | None = None, **facts: t.Any) -> None:
        # Names, statuses and reasons in it are what others wrote.
        self.message = printable(message)
        self.hint = hint and printable(hint)
        self.facts = facts
        #: What was found out before, and would be lost with the failure.
        self.warnings: tuple[str, ...] = ()
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def as_result(self) -> dict[str, t.Any]:
        return {"code": self.code, **self.facts}


class InvalidInput(DrError):
    """The caller gave invalid or contradictory input."""

    code = "invalid_input"


#: With these a service says that it was asked too often, and did nothing. 498 is Swift's own.
TOO_MANY = frozenset({429, 498})


class CloudError(DrError):
    """A cloud refused, failed or did not answer."""

    code = "cloud_error"

    @property
    def http_status(self) -> int | None:
        return self.facts.get("http_status")

    @property
    def may_pass(self) -> bool:
        """Whether the same may succeed later: nothing answered, or the service itself failed."""
        status = self.http_status
        return status is None or status in TOO_MANY | {408} or status >= 500


class NoAnswer(CloudError):
    """A cloud gave no answer, or one that says that a later attempt may succeed: whether it did what it was asked for is unknown."""


class NotFound(CloudError):
    """A named resource does not exist."""

    code = "not_found"


class ResourceFailed(DrError):
    """A resource went into an error state while it was waited for."""

    code = "resource_failed"


class Busy(DrError):
    """Another operation holds a resource; a later attempt may succeed."""

    code = "busy"


class WaitTimeout(DrError):
    """A resource did not get into the wanted state in time."""

    code = "timeout"


#: What a step says that it has done, which found problems before its first change. Steps before it may have changed things.
NOTHING_DONE = "this step has changed nothing"


class CheckFailed(DrError):
    """Checks found problems. What several checks find is told once.

    :param done: what this step has changed before, where that is not nothing.
    """

    code = "check_failed"

    def __init__(self, what: str, problems: t.Sequence[str], done: str = NOTHING_DONE) -> None:
        told = list(dict.fromkeys(problems))
        listed = " ".join(f"({n}) {problem}" for n, problem in enumerate(told, 1))
        super().__init__(f"{what}: {done}. {listed}", problems=told)


class FenceIncomplete(DrError):
    """Some servers could not be fenced; all others are."""

    code = "fence_incomplete"

    def __init__(self, application: str, site: str, problems: t.Sequence[str]) -> None:
        super().__init__(
            f"Application '{application}' at site '{site}' is only partly fenced. {' '.join(problems)}",
            "All other servers are fenced. A server that still runs may still write: isolate it from network and storage, or power off its host. "
            "Re-run once it can be stopped.",
            problems=list(problems),
        )


class FreezeFailed(DrError):
    """A freeze window could not be opened or closed as promised."""

    code = "freeze_failed"


class ConsistencyTooLow(DrError):
    """The proven consistency is below the required one."""

    code = "consistency_too_low"


class DocumentInvalid(DrError):
    """A stored document is damaged, hostile or of an unknown version."""

    #: How messages call such a document.
    what: t.ClassVar[str]


class ManifestInvalid(DocumentInvalid):
    """A manifest is invalid."""

    code = "manifest_invalid"
    what = "manifest"


class CheckpointReplaced(DrError):
    """A checkpoint is not the one that was chosen and checked: the catalogue has another manifest of it by now.

    :param where: the catalogue, or the site that has it.
    """

    code = "checkpoint_replaced"

    def __init__(self, application: str, checkpoint: str, where: str) -> None:
        super().__init__(
            f"The manifest of checkpoint '{checkpoint}' of application '{application}' in {where} was replaced after the checkpoint had been chosen.",
            "Find out who published it again. Re-run to choose and check the one that is there.",
        )


class DrillRecordInvalid(DocumentInvalid):
    """The record of a drill is invalid."""

    code = "drill_record_invalid"
    what = "record of the drill"


class ActiveRecordInvalid(DocumentInvalid):
    """The record of the site at which an application runs is invalid."""

    code = "active_record_invalid"
    what = "record of the active site"


class RollBackRecordInvalid(DocumentInvalid):
    """The record of a roll-back is invalid."""

    code = "roll_back_record_invalid"
    what = "record of the roll-back"


class KeptPlanInvalid(DocumentInvalid):
    """A site plan that is kept in a catalogue is damaged, forged or of an unknown version."""

    code = "kept_plan_invalid"
    what = "kept site plan"


class KeptInfrastructureInvalid(DocumentInvalid):
    """The infrastructure of a site that is kept in a catalogue is damaged, forged or of an unknown version."""

    code = "kept_infrastructure_invalid"
    what = "kept infrastructure"


class RunPartInvalid(DocumentInvalid):
    """What a controller wrote about a run over a whole site is damaged, forged or of an unknown version."""

    code = "run_part_invalid"
    what = "record of the run"


class WrittenInvalid(DrError):
    """A document that a person wrote is invalid, or cannot be applied."""

    #: How messages call such a document.
    what: t.ClassVar[str]

    def __init__(self, problems: t.Sequence[str]) -> None:
        listed = " ".join(f"({n}) {problem}" for n, problem in enumerate(problems, 1))
        super().__init__(f"The {self.what} cannot be used: {listed}", problems=list(problems))


class MappingInvalid(WrittenInvalid):
    """A mapping is invalid, or cannot be applied."""

    code = "mapping_invalid"
    what = "mapping"


class SitePlanInvalid(WrittenInvalid):
    """A site plan is invalid."""

    code = "site_plan_invalid"
    what = "site plan"


class Interrupted(DrError):
    """The process was told to stop (SIGINT, SIGTERM or SIGHUP)."""

    code = "interrupted"


@contextlib.contextmanager
def reported(module: t.Any) -> t.Iterator[None]:
    """Turn a :class:`DrError` raised inside into ``module.fail_json``.

    :param module: the ``AnsibleModule``.
    """
    try:
        yield
    except DrError as error:
        for warning in error.warnings:
            module.warn(warning)
        module.fail_json(msg=str(error), error=error.as_result())


@contextlib.contextmanager
def warned(*found: list[str]) -> t.Iterator[None]:
    """Have a :class:`DrError` raised inside take along what has been found out until then.

    :param found: lists that grow meanwhile.
    """
    try:
        yield
    except DrError as error:
        error.warnings = (*(warning for warnings in found for warning in warnings), *error.warnings)
        raise
