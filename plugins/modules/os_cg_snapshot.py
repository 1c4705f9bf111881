#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_cg_snapshot
short_description: Snapshot all volumes of an application at one moment
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Snapshots all volumes of all servers of an application in parallel, and proves how consistent the set is.
  - With O(quiesce), the module holds the freeze window itself. Guards are armed, tiers frozen from the last to the
    first, and then all snapshots requested. Each server is thawed as soon as those of its own volumes are complete, tiers in the reverse order.
    One process does all of it, and handles signals.
  - The root disk of a server that boots from an image is no volume; it becomes an image in Glance, which Nova makes inside the freeze,
    after the snapshots. The freeze lasts until Nova has copied the disk, not until the image is uploaded. See O(quiesce.budget). Images of servers
    that stand still are made after the freeze.
  - Servers that are shut down are not frozen; their snapshots are C(offline)-consistent. Nor are those that their owner has paused or
    suspended; their snapshots are C(paused)-consistent. Servers in other states than these and C(ACTIVE) are refused.
  - Where a storage backend reports truly consistent group snapshots, the volumes there are snapshotted as one group, else
    all of them at once; see O(grouping).
  - Within a freeze that M(osdr.openstack.os_server_quiesce) holds, leave O(quiesce) out, and call the module again with O(thaw)
    afterwards.
  - A set is complete or worthless. An incomplete set of an earlier run is deleted and taken again, as is a set whose
    consistency is below O(consistency); a failure leaves nothing behind. A complete set is adopted as it is, even while it is
    being backed up. A set that must be retaken is refused meanwhile, because Cinder does not delete snapshots that are being backed up.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.application
  - osdr.openstack.quiesce.window
  - osdr.openstack.attributes
options:
  name:
    description:
      - Name of the set; within a checkpoint, the checkpoint's id. V(latest) is reserved; elsewhere it selects the newest.
      - Re-running with the same name, from any controller, reuses a complete set that is consistent enough.
    type: str
    required: true
  state:
    description:
      - Whether the set shall exist. V(absent) removes the snapshots and images that are marked with the application and
        O(name), and the volume groups made by this module that have no snapshots left.
    type: str
    choices: [present, absent]
    default: present
  consistency:
    description:
      - The least acceptable consistency. Below it, the module deletes the snapshots and fails.
      - Defaults to V(quiesced) with O(quiesce), V(paused) with O(quiesce.driver=pause), and V(crash) without.
      - With V(paused) or V(crash), O(quiesce.driver=auto) may pause the servers that cannot be frozen.
    type: str
    choices: [offline, quiesced, paused, crash]
  grouping:
    description:
      - Which volumes are snapshotted together. The freeze is what makes the snapshots of different groups fit together.
      - With V(auto), the volumes of each backend that reports consistent group snapshots, as one volume group; those of other
        backends individually, in parallel. Volume groups that others made are used if they hold only the application's volumes,
        and are never changed.
      - V(individual) never uses groups. V(consistent) fails where V(auto) would do without one.
      - V(generic) uses groups even where Cinder snapshots one volume after the other, which makes the freeze longer.
    type: str
    choices: [auto, individual, generic, consistent]
    default: auto
  group_type:
    description:
      - Name of the type of volume groups that this module makes. By default the first by name that the project may use and
        that asks for consistent group snapshots.
    type: str
  admin_cloud:
    description:
      - The same cloud with the credentials of an administrator, to whom it shows what its backends can do; by name or as a
        dictionary. O(quiesce.admin_cloud) when omitted, else the module's own credentials. Without this access, no groups are used.
      - Also the default of O(quiesce.admin_cloud).
    type: raw
  projects:
    description:
      - Ids of the projects in which the servers are, when they are not all in that of the credentials. The module's own user
        needs the role member in each, and O(admin_cloud) is needed.
    type: list
    elements: str
    default: []
  other_clouds:
    description:
      - Instead of O(projects), the same cloud in the other projects in which servers are, by names or as dictionaries. Snapshots of volumes belong to the
        project of whoever takes them, so each project's are taken and removed with its own credentials; servers are listed and frozen as O(admin_cloud).
    type: list
    elements: raw
    default: []
  thaw:
    description:
      - What M(osdr.openstack.os_server_quiesce) returned as RV(osdr.openstack.os_server_quiesce#module:quiesce) when it thawed the
        servers around a set that was taken without O(quiesce). It completes the evidence, and so the consistency, of the set.
      - Below O(consistency), the module deletes the snapshots and fails.
    type: dict
  freezes:
    description:
      - What M(osdr.openstack.os_checkpoint_check) returned as RV(osdr.openstack.os_checkpoint_check#module:checkpoint_check.freezes) a moment ago, with the
        same O(quiesce). The guest agents of these servers are not asked again whether they answer, unless that was more than 5 minutes ago.
    type: list
    elements: dict
    default: []
  drafts:
    description:
      - Directories in which the set is kept for M(osdr.openstack.os_application_info) and M(osdr.openstack.os_checkpoint), as their option C(draft) takes
        them. One, or with O(other_clouds) one for each project, that of the module's own credentials first.
      - Servers and snapshots are then in the file C(snapshots.json) of each directory, in the form of RV(cg_snapshot), and are not returned, because those
        of many servers are too much for variables.
    type: list
    elements: path
    default: []
  concurrency:
    description:
      - How many resources of a site are worked on in parallel.
    type: int
    default: 16
seealso:
  - module: osdr.openstack.os_server_quiesce
  - module: osdr.openstack.os_backup_replicate
"""

EXAMPLES = r"""
- name: Take a consistent set of snapshots
  osdr.openstack.os_cg_snapshot:
    cloud: primary
    name: "2026-11-22-noon"
    application:
      name: shop
      tiers:
        - name: database
          servers: [orders-db, payments-db]
        - name: front
          servers: [shop-front]
    quiesce:
      admin_cloud: primary-admin

- name: Within a freeze that another task holds
  block:
    - name: Freeze
      osdr.openstack.os_server_quiesce:
        cloud: primary
        admin_cloud: primary-admin
        application: "{{ shop }}"

    - name: Take the set
      osdr.openstack.os_cg_snapshot:
        cloud: primary
        name: "2026-11-22-noon"
        application: "{{ shop }}"
        consistency: quiesced
  always:
    - name: Thaw
      osdr.openstack.os_server_quiesce:
        cloud: primary
        admin_cloud: primary-admin
        application: "{{ shop }}"
        state: unquiesced
      register: thawed

- name: Have the set count as what it is
  osdr.openstack.os_cg_snapshot:
    cloud: primary
    name: "2026-11-22-noon"
    application: "{{ shop }}"
    consistency: quiesced
    thaw: "{{ thawed.quiesce }}"

- name: Remove it again
  osdr.openstack.os_cg_snapshot:
    cloud: primary
    name: "2026-11-22-noon"
    application: "{{ shop }}"
    state: absent
"""

RETURN = r"""
cg_snapshot:
  description: The set of snapshots. Null when O(state=absent), and in check mode when it is yet to be taken.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the set.
      type: str
    application:
      description: Name of the application.
      type: str
    consistency:
      description: Consistency of the whole set, that of its weakest server.
      type: str
      sample: quiesced
    taken_at:
      description: The moment for which the set stands, by the site's clock.
      type: str
      sample: "2026-11-22T12:00:01.250Z"
    clock:
      description: How the site's clock and the controller's differ. Null when the site did not show its time; then the controller's counts.
      type: dict
      contains:
        ahead:
          description: Seconds by which the site's is ahead; 0 when nothing shows that they differ.
          type: float
        within:
          description: How far off that may be, in seconds.
          type: float
        taken_at:
          description: The moment for which the set stands, by the controller's clock.
          type: str
    skew:
      description: Seconds between the first and the last snapshot, at most.
      type: float
    window:
      description: The freeze window over all servers. Null when nothing was frozen.
      type: dict
      contains:
        started:
          description: When the first freeze was requested.
          type: str
        ended:
          description: When the last thaw was confirmed.
          type: str
        seconds:
          description: Its length.
          type: float
    servers:
      description: Consistency and evidence for each server. With O(drafts) they are kept there instead.
      returned: without O(drafts)
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Name of the server.
          type: str
        tier:
          description: Its tier.
          type: str
        consistency:
          description: Its consistency.
          type: str
        pending:
          description:
            - The consistency that the server reaches once O(thaw) confirms the thaw of another task's freeze. Null otherwise.
          type: str
        reason:
          description: Why it has this consistency.
          type: str
        driver:
          description: How it was frozen; null when it was not.
          type: str
        requested_at:
          description: When its freeze was requested; null when it was not frozen.
          type: str
        frozen_at:
          description: When its freeze was confirmed; null when it was not frozen.
          type: str
        thawed_at:
          description: When its thaw was confirmed; null when it was not frozen.
          type: str
        filesystems:
          description: Number of file systems frozen; null when it was not frozen, or when the driver cannot know.
          type: int
        guard:
          description: Where its guards ran, V(nova), V(guest), both (V(nova, guest)) or V(controller); null when it was not frozen.
          type: str
        guard_until:
          description: When its guard would have thawed it; null when it was not frozen.
          type: str
    snapshots:
      description: The snapshots, one of each volume. With O(drafts) they are kept there instead.
      returned: without O(drafts)
      type: list
      elements: dict
      contains:
        id:
          description: Id of the snapshot.
          type: str
        name:
          description: Name of the snapshot.
          type: str
        volume_id:
          description: Id of the volume; for a root disk that is no volume, of the server.
          type: str
        size:
          description: Size in GiB.
          type: int
        created_at:
          description: When the cloud says it was created, to the second and by its own clock.
          type: str
        requested_at:
          description: When it was asked for, by the controller's clock.
          type: str
        complete_at:
          description: When it was seen available, by the controller's clock. It was taken between these two.
          type: str
        strategy:
          description: V(consistent_group), V(generic_group), V(individual), or V(image) for a root disk that is no volume.
          type: str
        backend:
          description: Host, backend and pool of the volume. Null when the credentials may not see it.
          type: str
        reason:
          description: Why this strategy.
          type: str
parts:
  description: What each project has of a set over several. Consistency and window are those of the whole set.
  returned: when a set over several projects is there
  type: list
  elements: dict
  contains:
    project_id:
      description: Id of the project; that of the module's own credentials comes first, then those of O(other_clouds), or else those of O(projects).
      type: str
    cg_snapshot:
      description: Like RV(cg_snapshot), with the servers and snapshots of this project.
      type: dict
grouping:
  description: How the volumes are, or in check mode would be, snapshotted.
  returned: when a set is taken or would be
  type: list
  elements: dict
  contains:
    strategy:
      description: V(consistent_group), V(generic_group), V(individual), or V(image) for a root disk that is no volume.
      type: str
    backend:
      description: Host, backend and pool of the volumes. Null when the credentials may not see it.
      type: str
    reason:
      description: Why this strategy.
      type: str
    volumes:
      description: Ids of the volumes.
      type: list
      elements: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.core import consistency
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import SNAPSHOTS, Draft
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.course import Course, Settings
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import POLICIES
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption


def drafts_of(params):
    """Where each project's part is kept."""
    drafts, parts = params["drafts"], 1 + len(params["other_clouds"])
    if drafts and (params["projects"] or len(drafts) != parts):
        raise InvalidInput(
            f"drafts names {len(drafts)} directories for the parts of {parts} projects.",
            "Name one for the module's own credentials and one for each of other_clouds; it cannot be used with projects.",
        )
    return [Draft(one) for one in drafts]


def kept(result, drafts, check_mode):
    """What is returned of the result: no servers and snapshots where there is another place for them."""
    whole = result["cg_snapshot"]
    if not (drafts and whole):
        return result
    parts = result.get("parts", [])
    if not check_mode:
        for draft, described in zip(drafts, [part["cg_snapshot"] for part in parts] or [whole], strict=True):
            draft.keep(SNAPSHOTS, described)
    outlines = [{**part, "cg_snapshot": outline(part["cg_snapshot"])} for part in parts]
    return {**result, "cg_snapshot": outline(whole), **({"parts": outlines} if parts else {})}


def outline(described):
    """A set without what grows with the servers."""
    return {name: value for name, value in described.items() if name not in ("servers", "snapshots")}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.APPLICATION,
            {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "consistency": {"type": "str", "choices": list(consistency.LEVELS)},
                "quiesce": {"type": "dict", "options": args.QUIESCE},
                "grouping": {"type": "str", "choices": list(POLICIES), "default": "auto"},
                "group_type": {"type": "str"},
                "admin_cloud": {"type": "raw"},
                "projects": {"type": "list", "elements": "str", "default": []},
                "other_clouds": {"type": "list", "elements": "raw", "default": []},
                "thaw": {"type": "dict"},
                "freezes": {"type": "list", "elements": "dict", "default": []},
                "drafts": {"type": "list", "elements": "path", "default": []},
                "concurrency": {"type": "int", "default": 16},
            },
        ),
        mutually_exclusive=[("quiesce", "thaw")],
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed() as interruption:
        drafts = drafts_of(module.params)
        settings = Settings.parse(module.params, {name: module.params[name] for name in args.AUTH})
        result = Course(settings, interruption, module.warn).run(module.check_mode)
        result = kept(result, drafts, module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
