# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a manifest wants to have run is run."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  command_checks:
    description:
      - What becomes of health checks that are commands. They come out of the manifest, so whoever can write the catalogue could
        have them run where the module runs.
      - With V(refuse) a checkpoint that has any is not restored; the commands are told, so that somebody can read them.
      - V(skip) leaves them out, with a warning for each. A tier may then begin although the one before does not do its work yet.
      - V(run) runs them. Use it with signed manifests (O(osdr.openstack.os_checkpoint_info#module:hmac_key)), or where nobody else
        can write the catalogue.
    type: str
    choices: [refuse, skip, run]
    default: refuse
"""
