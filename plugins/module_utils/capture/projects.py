# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell servers of an application that are in other projects than those that were given from servers that do not exist."""

from __future__ import annotations

import typing as t

from ..application.definition import Application
from ..cloud.compute import Compute
from ..cloud.session import Cloud
from ..core.errors import CheckFailed, CloudError
from ..core.records import Server


def refuse_several(admin: Cloud, application: Application, project_id: str) -> None:
    """Refuse servers that only other projects have: each project's part is captured with its own credentials.

    :param admin: credentials that see the servers of all projects; of others, nothing is known.
    :param project_id: in which all servers should be.
    :raises CheckFailed: naming the servers, and where they are.
    """
    try:
        servers = Compute(admin).servers(everywhere=True)
    except CloudError:
        return
    problems = [problem for wanted in application.servers for problem in _problems(wanted, servers, project_id)]
    if problems:
        what = f"Application '{application.name}' on site '{admin.site}' cannot be captured, since not all of its servers are in one project"
        raise CheckFailed(what, problems)


def _problems(wanted: str, servers: t.Iterable[Server], project_id: str) -> t.Iterator[str]:
    found = [one for one in servers if wanted in (one.id, one.name)]
    if found and not any(one.project_id == project_id for one in found):
        places = " and ".join(sorted(f"project {one.project_id} has ({one.id})" for one in found))
        yield (
            f"Server '{wanted}' is not in the project of the credentials, but {places}. Give that project's credentials, too "
            "(dr_checkpoint_projects; in modules, others of os_checkpoint_check)."
        )
