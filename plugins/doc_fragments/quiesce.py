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
      - V(nova) asks Nova's quiesce API, which the role P(osdr.openstack.nova_quiesce_api#role) adds to a stock Nova.
        Its policies decide who may use it, by default administrators. Nova itself is the guard.
      - V(libvirt) asks libvirt on the compute hosts, so it is for the cloud's operator, on any Nova. It needs the Python
        library C(libvirt-python). The guard is inside the servers where their guest agents allow C(guest-exec), else a
        process beside the controller.
      - V(pause) has Nova pause all servers, for every member of the project, on any Nova. Nothing is flushed.
        Equivalent to cutting power to all servers at once (crash-consistent). The guard is a process beside the controller; it
        outlives a kill of the module and of Ansible, but not the end of the machine or container in which they run.
      - V(auto) uses for each server the first of V(nova), V(libvirt) and V(pause) whose probe succeeds, and reports why
        the others do not work; V(pause) only if the required consistency allows it.
    type: str
    choices: [auto, nova, libvirt, pause]
    default: auto
  admin_cloud:
    description:
      - The same cloud with the credentials of an administrator, to whom it shows on which host a server runs and whom it
        lets quiesce; by name or as a dictionary. The module's own credentials when omitted.
    type: raw
  libvirt_uri:
    description:
      - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name. For example
        V(qemu+ssh://root@{host}/system?no_tty=1), V(qemu+tls://{host}/system), or V(qemu+unix:///system) on the only host.
      - Needed for V(libvirt); V(auto) considers libvirt only with it.
    type: str
  freeze_timeout:
    description:
      - Seconds that one server's freeze may take, with the hooks of its guest agent.
    type: int
    default: 30
  budget:
    description:
      - Seconds for which servers may stand still, from the first freeze request to the last thaw, its end included. The thaw starts early
        enough to be expected to end in time; what is not done by then is abandoned.
    type: int
    default: 60
  guard_timeout:
    description:
      - Seconds after which a timer outside this process thaws a server if nobody else has; armed before the freeze, and
        independent of the controller. More than the budget, and one day at most.
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
          - V(nova) asks Nova's quiesce API, which the role P(osdr.openstack.nova_quiesce_api#role) adds to a stock
            Nova. Its policies decide who may use it, by default administrators. Nova itself is the guard.
          - V(libvirt) asks libvirt on the compute hosts, so it is for the cloud's operator, on any Nova. It needs the Python
            library C(libvirt-python). The guard is inside the servers where their guest agents allow C(guest-exec), else a
            process beside the controller.
          - V(pause) has Nova pause all servers, for every member of the project, on any Nova. Nothing is flushed.
            Equivalent to cutting power to all servers at once (crash-consistent). The guard is a process beside the controller; it
            outlives a kill of the module and of Ansible, but not the end of the machine or container in which they run.
          - V(auto) uses for each server the first of V(nova), V(libvirt) and V(pause) whose probe succeeds, and reports
            why the others do not work; V(pause) only if the required consistency allows it.
        type: str
        choices: [auto, nova, libvirt, pause]
        default: auto
      admin_cloud:
        description:
          - The same cloud with the credentials of an administrator, to whom it shows on which host a server runs and whom it
            lets quiesce; by name or as a dictionary. The module's own credentials when omitted.
        type: raw
      libvirt_uri:
        description:
          - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name. For example
            V(qemu+ssh://root@{host}/system?no_tty=1), V(qemu+tls://{host}/system), or V(qemu+unix:///system) on the only host.
          - Needed for V(libvirt); V(auto) considers libvirt only with it.
        type: str
      freeze_timeout:
        description:
          - Seconds that one server's freeze may take, with the hooks of its guest agent.
        type: int
        default: 30
      budget:
        description:
          - Seconds for which servers may stand still, from the first freeze request to the last thaw, its end included. The thaw starts
            early enough to be expected to end in time; what is not done by then is abandoned.
        type: int
        default: 60
      guard_timeout:
        description:
          - Seconds after which a timer outside this process thaws a server if nobody else has; armed before the freeze,
            and independent of the controller. More than the budget, and one day at most.
        type: int
        default: 120
"""
