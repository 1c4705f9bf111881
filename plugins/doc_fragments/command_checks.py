# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option for health checks that are commands."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  command_checks:
    description:
      - What to do with health checks that are commands. They come from the manifest, so anyone who can write to the catalogue could
        run commands where the module runs.
      - With V(refuse), a checkpoint that has any is not restored; the message lists the commands for review.
      - V(skip) leaves them out, with a warning for each. A tier may then start before the previous one is ready.
      - V(run) runs them. Use it with signed manifests (O(hmac_key)), or where nobody else
        can write the catalogue.
    type: str
    choices: [refuse, skip, run]
    default: refuse
"""
