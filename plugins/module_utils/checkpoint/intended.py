# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoint that somebody wants to take, and how."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application, require_checkpoint_id
from ..copies.delivery import Delivery
from ..copies.options import mirror_options, require_least
from ..copies.sampling import Sampling
from ..core.errors import InvalidInput
from ..mirror.options import MirrorOptions
from ..quiesce.quiescer import QuiesceOptions
from ..snapshots.job import GroupingOptions

#: The smallest allowed values, which the steps after the freeze ask for, too.
_LEAST = {"concurrency": 1, "backup_concurrency": 1, "verification_runs": 1}


@dataclasses.dataclass(frozen=True)
class IntendedCheckpoint:
    """The checkpoint, how its snapshots are taken, and how it is copied.

    :param least: the least consistency that it must have.
    :param site: name of the primary site in records; None when nobody asks where the application runs.
    :param quiesce: how servers are frozen; None when they are not.
    :param concurrency: how many servers are probed at once.
    :param copy_concurrency: how many volumes will be copied at once.
    :param backup_zone: of the backup service; that of each volume when empty.
    :param mirror: how the storage that mirrors the volumes is reached; None where backups are made.
    """

    application: Application
    name: str
    least: str
    site: str | None
    grouping: GroupingOptions
    quiesce: QuiesceOptions | None
    delivery: Delivery
    concurrency: int
    copy_concurrency: int
    backup_zone: str = ""
    mirror: MirrorOptions | None = None

    @classmethod
    def parse(cls, options: t.Mapping[str, t.Any]) -> IntendedCheckpoint:
        """Read the options.

        :param options: those of os_checkpoint_check.
        :raises InvalidInput: for names that a checkpoint cannot have, for numbers that are too small, and for several projects without an administrator.
        """
        require_least(options, _LEAST)
        if options["others"] and not options["admin_cloud"]:
            raise InvalidInput("Only administrators can list and freeze the servers of several projects.", "Give admin_cloud.")
        name = require_checkpoint_id(options["name"])
        return cls(
            application=Application.parse(options["application"]),
            name=name,
            least=options["consistency"],
            site=options["site"],
            grouping=GroupingOptions(options["grouping"]),
            quiesce=_quiesce_options(options),
            delivery=Delivery(options["transport"], options["verification"], Sampling(name, options["verification_runs"])),
            concurrency=options["concurrency"],
            copy_concurrency=options["backup_concurrency"],
            backup_zone=options["availability_zone"],
            mirror=mirror_options(options),
        )


def _quiesce_options(options: t.Mapping[str, t.Any]) -> QuiesceOptions | None:
    if options["quiesce"] is None:
        return None
    quiesce = dict(options["quiesce"])
    if options["others"]:
        # Nobody else sees the servers of all projects.
        quiesce["admin_cloud"] = quiesce["admin_cloud"] or options["admin_cloud"]
    return QuiesceOptions.parse(quiesce, options)
