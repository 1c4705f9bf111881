# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How guest agents are asked by health checks."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  quiesce:
    description:
      - How health checks ask guest agents. They are asked as before a freeze; nothing is frozen.
    type: dict
    default: {}
    suboptions:
      driver:
        description:
          - V(nova) asks Nova's quiesce API, V(libvirt) libvirt on the compute hosts, V(auto) first one and then the other.
        type: str
        choices: [auto, nova, libvirt]
        default: auto
      admin_cloud:
        description:
          - The same site with credentials that the policies of the quiesce API allow to freeze, and that see on which host a server
            runs, by name or as a dictionary. The module's own credentials when omitted.
        type: raw
      libvirt_uri:
        description:
          - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name. Needed for V(libvirt).
        type: str
"""
