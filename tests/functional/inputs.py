# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks are given for an application at the lab's primary site and its checkpoints at the remote one."""

from __future__ import annotations


def checkpoint(definition, checkpoint_id, **more):
    """What the playbook checkpoint is given.

    :param definition: of the application.
    :param more: beside or instead of what all are given.
    """
    return {
        "dr_checkpoint_cloud": "primary",
        "dr_checkpoint_admin_cloud": "primary-admin",
        "dr_checkpoint_remote_cloud": "remote",
        "dr_checkpoint_remote_admin_cloud": "remote-admin",
        "dr_checkpoint_remote_store_cloud": "remote-backup",
        "dr_checkpoint_application": definition,
        "dr_checkpoint_id": checkpoint_id,
        **more,
    }


def cleanup(name, checkpoint_id, drill=""):
    """What the playbook cleanup is given to remove what a restore has made of a checkpoint."""
    return {
        "dr_cleanup_cloud": "remote",
        "dr_cleanup_application": name,
        "dr_cleanup_checkpoint": checkpoint_id,
        "dr_cleanup_drill": drill,
    }
