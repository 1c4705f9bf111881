# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a restore, each with its result; in check mode the same result without changes."""

from __future__ import annotations

import typing as t

from ..core.errors import warned
from .cleanup import MadeVolumes, ServerRemover
from .marks import MadeServers
from .network_sharing import NetworkSharing
from .networks import NetworkRestore, shown
from .plan import RestorePlan
from .port_plan import PortStep
from .server_plan import ServerStep
from .servers import ServerRestore
from .volume_plan import VolumeStep
from .volumes import VolumeRestore, VolumesUnderWay, states

Result = dict[str, t.Any]


def restore_networks(restore: NetworkRestore, plan: RestorePlan, check_mode: bool) -> Result:
    if not check_mode:
        with warned(restore.warnings):
            restore.apply()
    made = shown(plan.lacking)
    return {"changed": any(made.values()), "made": made, "warnings": restore.warnings, "diff": {"before": {kind: [] for kind in made}, "after": made}}


def with_shares(made: Result, sharing: NetworkSharing, check_mode: bool) -> Result:
    """The same, with the networks that other projects of the application may use."""
    shared = [{"network": name, "project_id": project} for name, project in (sharing.lacking() if check_mode else sharing.apply())]
    diff = {"before": {**made["diff"]["before"], "shared": []}, "after": {**made["diff"]["after"], "shared": shared}}
    return {**made, "changed": made["changed"] or bool(shared), "shared": shared, "diff": diff}


# Volumes


def restore_volumes(restore: VolumeRestore, steps: t.Sequence[VolumeStep], wait: bool, check_mode: bool) -> Result:
    """Restore volumes, or in check mode say which would be.

    :param wait: whether to wait for all of them; otherwise only as many are started as may run at once.
    """
    if check_mode:
        volumes = restore.predicted(steps)
    else:
        with warned(restore.warnings):
            volumes = restore.finish(steps) if wait else restore.begin(steps)
    before, after = states(steps)
    return {
        "changed": any(step.changes for step in steps),
        "volumes": volumes,
        "warnings": restore.warnings,
        "started_at": str(restore.started),
        "diff": {"before": {"volumes": before}, "after": {"volumes": after}},
    }


def remove_volumes(made: MadeVolumes, check_mode: bool) -> Result:
    if not check_mode:
        # In check mode the servers may be there only because the task before did not remove them.
        made.refuse_attached()
        made.remove()
    before = {"volumes": {one.label: one.status for one in made.volumes}, **made.scaffolding.shown()}
    return {"changed": any(before.values()), "volumes": [], "diff": {"before": before, "after": {"volumes": {}}}}


# Servers


def restore_servers(restore: ServerRestore, check_mode: bool) -> Result:
    """Restore servers, with their volumes if these are restored too."""
    volumes, changes = _volumes_before(restore.volumes), restore.changes
    told = [restore.warnings, restore.volumes.warnings] if restore.volumes else [restore.warnings]
    before = {step.spec.name: _state(step) for step in restore.steps}
    after = {step.spec.name: "restored" if step.changes else before[step.spec.name] for step in restore.steps}
    ports_before = {step.label: _state_of_port(step) for step in restore.lone_ports}
    ports_after = {step.label: "restored" if step.changes else ports_before[step.label] for step in restore.lone_ports}
    if check_mode:
        # Topology and volumes may be missing only because the tasks before did not make them in check mode.
        servers, timing = restore.predicted(), None
    else:
        restore.refuse_problems()
        with warned(*told):
            servers = restore.apply()
        timing = restore.timing()
    return {
        "changed": changes or volumes["changed"],
        "servers": servers,
        "ports": restore.described_ports(),
        "forwarding_floating_ips": restore.described_forwarders(),
        "warnings": [warning for warnings in told for warning in warnings],
        "started_at": str(restore.started),
        "timing": timing,
        "diff": {
            "before": {"servers": before, "ports": ports_before, **volumes["before"]},
            "after": {"servers": after, "ports": ports_after, **volumes["after"]},
        },
        **({"volumes": restore.volumes.described()} if restore.volumes else {}),
    }


def _volumes_before(volumes: VolumesUnderWay | None) -> Result:
    """The volumes for the result, read before they are changed."""
    if volumes is None:
        return {"changed": False, "before": {}, "after": {}}
    before, after = states(volumes.steps)
    return {"changed": any(step.changes for step in volumes.steps), "before": {"volumes": before}, "after": {"volumes": after}}


def _state(step: ServerStep) -> str:
    if step.current is None:
        return "absent"
    return f"{step.current.status}, incomplete" if step.changes else step.current.status


def _state_of_port(step: PortStep) -> str:
    if step.current is None:
        return "absent"
    return "incomplete" if step.changes else "there"


def remove_servers(remover: ServerRemover, made: MadeServers, check_mode: bool) -> Result:
    if not check_mode:
        remover.remove(made)
    before = {
        "servers": sorted(server.label for server in made.servers),
        "floating_ips": sorted(one.ip_address for one in made.floating_ips),
        "ports": sorted(port.id for port in made.ports),
        "trunks": sorted(trunk.id for trunk in made.trunks),
    }
    return {"changed": made.anything, "servers": [], "warnings": list(made.left), "diff": {"before": before, "after": {key: [] for key in before}}}
