#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_backup_replicate
short_description: Copy the snapshots of a checkpoint to the remote site by backups, and its images
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Backs up the snapshots of a checkpoint concurrently, incrementally where there is a chain of this application to
    continue, brings the objects of the backups to the store that the remote site reads, exports the records of the
    backups and of all they build on and imports them there, the oldest first, and verifies everything before it counts.
  - With O(transport=mirror) there are no backups. The storage of both sites brings the snapshots to the remote site, and what has arrived whole is
    adopted by Cinder there as volumes of the project, one for each volume. None of them counts before all are there.
  - Copies the images of root disks that are no volumes from the primary site's Glance to that of the remote site, without ever having
    more than a block of each in memory, and compares their digests. An image whose copying was interrupted is copied from its beginning.
  - A backup is a full one when O(full_every) says so, when the volume was resized, when the newest backup of the volume is
    not of this application or is in another availability zone, and when the remote site lacks any part of the chain.
  - The snapshots are found by their marks, see M(osdr.openstack.os_cg_snapshot). What an earlier run did is adopted, and nothing
    is copied twice. Backups that failed are replaced, and so are backups of snapshots that the checkpoint no longer has, because they
    are of another moment. Those whose content was found to differ from the snapshot are replaced by full ones. The old ones are first
    removed at both sites; if they cannot be removed, or a checkpoint with this id was published with them, the module fails before the
    first change.
  - If a proof by O(verification=restore) or O(verification=readable) fails, the module fails and names the volume. The backup is marked,
    so that the next run proves this volume again, whichever checkpoint it takes. No backup is built on one whose content differs.
  - Progress is shown on the terminal and in the job output of AWX.
  - Temporary failures (a restarted service, a broken link) are tolerated for O(stall_timeout).
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.draft
  - osdr.openstack.effort
  - osdr.openstack.attributes
  - osdr.openstack.replication
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint; the O(osdr.openstack.os_cg_snapshot#module:name) of the set of snapshots.
    type: str
    required: true
  full_every:
    description:
      - How many backups a chain has at most, the full one included. V(1) makes every backup a full one.
    type: int
    default: 7
  availability_zone:
    description:
      - Availability zone of the backup service that makes the backups. That of each volume when omitted.
    type: str
    default: ""
  backup_container:
    description:
      - Container for the backups. The backup service's own when omitted.
    type: str
    default: ""
  volume_public_key:
    description:
      - An RSA key in PEM form. The keys of encrypted volumes are read from the primary site's key manager with the module's own credentials, and
        sealed with it (RSA-OAEP); only the holder of the private key can open them. Without it, encrypted volumes are refused.
      - No content of encrypted volumes is proved by O(verification=restore) or O(verification=readable). They are verified as far as by V(objects),
        or V(records).
    type: str
  bandwidth:
    description:
      - MiB per second that O(transport=copy) may use in all. V(0) means no limit.
    type: int
    default: 0
  stall_timeout:
    description:
      - Seconds without any progress after which the work counts as stalled and the module fails; what is done is kept.
    type: int
    default: 600
  progress_file:
    description:
      - File on the controller to which the progress is written as one line. When the module runs on the controller, the action
        plugin of this name sets it and shows the line from time to time.
      - If it cannot be written, the module warns and continues.
    type: path
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_checkpoint
"""

EXAMPLES = r"""
- name: Copy a checkpoint to the remote site
  osdr.openstack.os_backup_replicate:
    cloud: primary
    admin_cloud: primary-admin
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    application: shop
    checkpoint: "2026-11-22-noon"

- name: Copy it, and prove the content of a seventh of its volumes, so that a week of daily checkpoints proves all
  osdr.openstack.os_backup_replicate:
    cloud: primary
    admin_cloud: primary-admin
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    verification: restore
    verification_runs: 7
    application: shop
    checkpoint: "2026-11-22-noon"

- name: Copy it from one object store to the other, at no more than 50 MiB a second
  osdr.openstack.os_backup_replicate:
    cloud: primary
    admin_cloud: primary-admin
    store_cloud: primary-backup
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    remote_store_cloud: remote-backup
    transport: copy
    bandwidth: 50
    application: shop
    checkpoint: "2026-11-22-noon"

- name: Have the storage of both sites bring it over
  osdr.openstack.os_backup_replicate:
    cloud: primary
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    transport: mirror
    verification: records
    storage:
      backend: primary@ceph#ceph
      pool: volumes
      user: osdr
      host: ceph1.primary.example.org
    remote_storage:
      backend: remote@ceph#ceph
      pool: volumes
      user: osdr
      host: ceph1.remote.example.org
    application: shop
    checkpoint: "2026-11-22-noon"
"""

RETURN = r"""
replication:
  description: The copies. In check mode, those that are there already.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    checkpoint:
      description: Id of the checkpoint.
      type: str
    copies:
      description:
        - One entry for each volume. With O(draft) they are kept there instead, in the file C(copies.json), because those of many volumes are too much
          for variables.
      returned: without O(draft)
      type: list
      elements: dict
      contains:
        volume_id:
          description: Id of the volume at the primary site; for a root disk that is no volume, of the server.
          type: str
        method:
          description: How the data travelled, V(cinder_backup), V(mirrored_volume), or V(glance_image) for a root disk that is no volume.
          type: str
        copy_id:
          description: Id of the backup, the same at both sites, or of the volume or image at the remote site.
          type: str
        chain:
          description: Ids of the backups that a restore needs, the oldest first.
          type: list
          elements: str
        size:
          description: Size of the volume in GiB.
          type: int
        incremental:
          description: Whether the backup holds only what changed since the one before.
          type: bool
        object_count:
          description: Number of objects with data.
          type: int
        container:
          description: Container of the objects.
          type: str
        stored_bytes:
          description: Bytes that the backup takes in the store. 0 where the store was not looked at.
          type: int
        inventory:
          description: Digest of names, sizes and checksums of its objects. Empty where the store was not looked at.
          type: str
        verified:
          description: How far the copy was proved, as O(verification) says.
          type: str
        key:
          description:
            - The sealed key of an encrypted volume, with its C(algorithm) and C(bit_length), and the fingerprint of the public key (C(sealed_for)).
              Null when the volume is not encrypted.
          type: dict
        content:
          description: The last proof of this volume's content by a restore, by this or an earlier checkpoint.
          type: dict
          contains:
            proved_at:
              description: When that was. Empty when there has been no such proof.
              type: str
              sample: "2026-11-22T12:04:31.250Z"
            proved_by:
              description: Id of the checkpoint. Empty when there has been no such proof.
              type: str
            how:
              description:
                - V(restore) when a volume restored from the copy equalled the snapshot, V(readable) when it was restored but not compared.
                  Empty when there has been no such proof.
              type: str
            passed_over:
              description: How many checkpoints in a row, up to this one, proved the content of other volumes but not of this one.
              type: int
    unproved:
      description: What O(verification) did not prove of the copies, in words. Empty when the content of all was proved.
      type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_checkpoint_id, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies.job import CheckpointCopying
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import last_proofs
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Accounts, Sites
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import unproved
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import COPIES, Draft
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Outline
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def run(module):
    params = module.params
    application = require_name("the name of an application", params["application"])
    checkpoint = require_checkpoint_id(params["checkpoint"])
    options = ReplicationOptions.parse(application, checkpoint, params)
    sites = Sites.connect(connect(params), Accounts.parse(params))
    manifests = Catalogue.of(sites.remote.cloud, params).overview(application, Outline.of).kept
    options = options.knowing(last_proofs(manifests, besides=checkpoint)).keeping(manifests)
    if module.check_mode:
        options = options.foreseen
    waiter = Waiter(timeout=params["timeout"], interval=1.0)
    progress = Progress(params["progress_file"])
    copying = CheckpointCopying.of(sites, options, waiter, progress)
    copied = copying.foresee() if module.check_mode else copying.carry_out()
    if progress.failure:
        module.warn(f"How far the work was could not be told: {progress.failure}.")
    return {
        "changed": copied.changed,
        "diff": copied.diff,
        "replication": {
            "application": application,
            "checkpoint": checkpoint,
            **kept(copied.described(), module),
            "unproved": unproved(one.verified for one in copied.copies),
        },
    }


def kept(copies, module):
    """What is returned of the copies: nothing where there is another place for them."""
    params = module.params
    if not params["draft"]:
        return {"copies": copies}
    if not module.check_mode:
        Draft(params["draft"]).keep(COPIES, {"checkpoint": params["checkpoint"], "copies": copies})
    return {}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.CATALOGUE,
            args.REPLICATION,
            args.VOLUME_PUBLIC_KEY,
            args.DRAFT,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "required": True},
                "full_every": {"type": "int", "default": 7},
                "availability_zone": {"type": "str", "default": ""},
                "backup_container": {"type": "str", "default": ""},
                "bandwidth": {"type": "int", "default": 0},
                "stall_timeout": {"type": "int", "default": 600},
                "progress_file": {"type": "path"},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed():
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
