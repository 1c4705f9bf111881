# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How servers are frozen: as options of a module, and within one option.

Written out twice, because the checks of documentation read only plain strings.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  driver:
    description:
      - How servers are frozen.
      - V(libvirt) asks libvirt on the compute hosts, so it is for the cloud's operator. It needs the Python library
        C(libvirt-python), and in the servers a guest agent that allows C(guest-exec), by which the guard is armed.
    type: str
    choices: [libvirt]
    default: libvirt
  admin_cloud:
    description:
      - The same cloud with the credentials of an administrator, to whom it shows on which host a server runs;
        by name or as a dictionary. The module's own credentials when omitted.
    type: raw
  libvirt_uri:
    description:
      - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name.
    type: str
    default: qemu+ssh://root@{host}/system
  freeze_timeout:
    description:
      - Seconds that one server's freeze may take, with the hooks of its guest agent.
    type: int
    default: 30
  budget:
    description:
      - Seconds from the first freeze request after which the freeze is given up and everything is thawed.
    type: int
    default: 60
  guard_timeout:
    description:
      - Seconds after which a timer inside each server thaws it if nobody else has; armed before the freeze, and
        there also when the controller is gone. More than the budget.
    type: int
    default: 120
"""

    WINDOW = r"""
options:
  quiesce:
    description:
      - Freeze the servers around the snapshots. Without it, nothing is frozen by this module and the set is
        C(crash)-consistent unless all servers are shut down.
    type: dict
    suboptions:
      driver:
        description:
          - How servers are frozen.
          - V(libvirt) asks libvirt on the compute hosts, so it is for the cloud's operator. It needs the Python library
            C(libvirt-python), and in the servers a guest agent that allows C(guest-exec), by which the guard is armed.
        type: str
        choices: [libvirt]
        default: libvirt
      admin_cloud:
        description:
          - The same cloud with the credentials of an administrator, to whom it shows on which host a server runs;
            by name or as a dictionary. The module's own credentials when omitted.
        type: raw
      libvirt_uri:
        description:
          - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name.
        type: str
        default: qemu+ssh://root@{host}/system
      freeze_timeout:
        description:
          - Seconds that one server's freeze may take, with the hooks of its guest agent.
        type: int
        default: 30
      budget:
        description:
          - Seconds from the first freeze request after which the freeze is given up and everything is thawed.
        type: int
        default: 60
      guard_timeout:
        description:
          - Seconds after which a timer inside each server thaws it if nobody else has; armed before the freeze, and
            there also when the controller is gone. More than the budget.
        type: int
        default: 120
"""
