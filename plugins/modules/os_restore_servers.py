# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_servers
short_description: Restore the servers of a checkpoint at a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Builds the servers that a checkpoint's manifest describes on their restored volumes, with the same fixed addresses and MAC
    addresses unless O(mapping) says otherwise, and floating addresses where the source had any. Trunks, ports that are on no server, and floating
    addresses that forward their ports come with them. What of a trunk, of tags, forwardings, allocation pools, a lock or the deletion of volumes with
    their server a site refuses is left out, with a warning, and asked for again by the next run.
  - Works tier by tier in boot order. The servers of a tier are built in parallel within O(concurrency), and the next tier begins
    when all health checks of the previous one have passed.
  - What is made is marked with application, checkpoint and source, so that a later run resumes where an earlier one ended. It
    waits for servers that are being built, replaces those that failed, and makes what is missing.
  - Once all ports have their addresses, subnets that M(osdr.openstack.os_restore_networks) made get the allocation pools of the source.
  - Networks, subnets, security groups, server groups and key pairs must exist with the names that they have at the source or in O(mapping), and
    the volumes must have been restored by M(osdr.openstack.os_restore_volumes) unless O(volumes=restore).
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.command_checks
  - osdr.openstack.agents
  - osdr.openstack.drill
  - osdr.openstack.encrypted
  - osdr.openstack.servers
  - osdr.openstack.attributes
options:
  user_data_key:
    description:
      - The passphrase with which user data in the manifest was encrypted. Without it, servers whose user data is encrypted are restored without user
        data, with a warning.
    type: str
  state:
    description:
      - Whether the servers shall exist.
      - V(absent) removes exactly the servers, floating addresses, trunks and ports that were restored from this checkpoint.
        Volumes that are deleted with their server at the source are deleted with it here too. A floating address that leads or
        forwards to a port of others by now stays, with a warning.
    type: str
    choices: [present, absent]
    default: present
  tiers:
    description:
      - Names of the tiers to restore; all when omitted. Earlier tiers are assumed to be ready.
      - Useful to do other work between tiers. The order is that of the application.
      - Only with O(state=present).
    type: list
    elements: str
  volumes:
    description:
      - With V(there), all volumes must have been restored before.
      - With V(restore), missing volumes are restored too, as by M(osdr.openstack.os_restore_volumes), and each server is built as soon as its
        own volumes exist, while those of other servers are still being restored. The restore of volumes of tiers not in O(tiers) is started, but
        not awaited.
      - Only with O(state=present).
    type: str
    choices: [there, restore]
    default: there
  admin_cloud:
    description:
      - The same site as an administrator, who makes the ports on networks of other projects (shared ones, for example) for the project of O(cloud), with
        the addresses of the source. Neutron usually lets only the owner of a network and administrators choose these.
      - Without it, they are made with the credentials of O(cloud), which may choose as much as the site lets them; M(osdr.openstack.os_restore_check)
        tells beforehand.
    type: raw
  drill_probe:
    description:
      - What replaces the health checks of a drill (O(drill)), because no network leads to its servers. Checks of guest agents are made as they are;
        a tier with other checks is ready when everything given here has succeeded for each of its servers.
      - Without it, servers count as ready when they are active, and the result says that those checks were not made.
    type: dict
    default: {}
    suboptions:
      agent:
        description:
          - Whether the servers' guest agents must answer. They are asked as O(quiesce) says.
        type: bool
        default: false
      console:
        description:
          - A regular expression that must match something in each server's console log. Every member of the project can read that.
        type: str
      timeout:
        description:
          - Seconds that each server gets, from being active. Those of the longest of its tier's checks when omitted.
        type: int
notes:
  - Health checks are made from where the module runs. If one does not pass in time, the module fails with the server, its last result,
    and the end of the server's console.
  - What an earlier run restored stays as it is. A changed O(mapping) has no effect on it; remove it first.
  - What the site's Neutron has no extension for, or its policies do not allow, is left out with a warning, fixed addresses and MAC addresses
    among it. What an earlier run made without something is named by each later one. A port whose port security may not be switched on, on a network
    that has none, is switched off rather than left open. In what ports, floating addresses, trunks and flavors differ that others have made, warnings
    name, too.
  - A server gets its key pair only where the site has one of that name; the keys already on its disk are there in any case.
seealso:
  - module: osdr.openstack.os_restore_check
  - module: osdr.openstack.os_restore_volumes
"""

EXAMPLES = r"""
- name: Restore all servers of the newest checkpoint
  osdr.openstack.os_restore_servers:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    command_checks: run
    quiesce:
      admin_cloud: remote-admin
  register: restored

- name: Show how long it took until the last server did its work
  ansible.builtin.debug:
    msg: "{{ restored.timing.wall_seconds }} s, at least {{ restored.timing.critical_path_seconds }} s"

- name: Restore the volumes too, with no server waiting for those of another one
  osdr.openstack.os_restore_servers:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    volumes: restore

- name: Restore the databases only
  osdr.openstack.os_restore_servers:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    tiers: [database]

- name: Remove them again
  osdr.openstack.os_restore_servers:
    cloud: remote
    application: shop
    checkpoint: 2026-11-22-noon
    state: absent
"""

RETURN = r"""
servers:
  description: The restored servers, of O(tiers) only where that is given, in boot order. Empty when O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    source_id:
      description: Id of the server at the source.
      type: str
    name:
      description: Its name.
      type: str
    tier:
      description: Its tier.
      type: str
    server_id:
      description: Id of the restored server; null when it is not there yet.
      type: str
    status:
      description: Its status; C(absent) when it is not there yet.
      type: str
    is_off:
      description:
        - Whether it was off at the checkpoint while others ran, as a standby is. It is built and then stopped, since Nova builds no server
          without starting it, and gets no health checks.
      type: bool
    address:
      description: Where its health checks reach it, its floating address or else its first fixed one; null when it has none yet.
      type: str
    ports:
      description: Its ports in the order of the interfaces.
      type: list
      elements: dict
      contains:
        port_id:
          description: Id of the port; null when it is not there yet.
          type: str
        network:
          description: Name of its network.
          type: str
        mac_address:
          description: Its MAC address; null while Neutron has yet to choose one.
          type: str
        fixed_ips:
          description: Its fixed addresses.
          type: list
          elements: str
        floating_ip:
          description: Its floating address, the first one where it has several; null when it has none.
          type: str
        floating_ips:
          description: All of its floating addresses.
          type: list
          elements: str
    checks:
      description: The health checks of its tier.
      type: list
      elements: dict
      contains:
        check:
          description: What is to be checked.
          type: str
        made_by:
          description:
            - What made the check in this run, C(connection), C(command), C(guest agent), or in a drill C(console log).
              Empty when it was not made.
          type: list
          elements: str
    seconds:
      description: Seconds from the module's start; null for what this run had no need to do.
      type: dict
      contains:
        created:
          description: Until the site had accepted the request to build it.
          type: float
        active:
          description: Until it was found active.
          type: float
        ready:
          description: Until all its health checks had passed.
          type: float
  sample:
    - source_id: 8f14e45f-ceea-467f-a0e6-1b1a0f0b7a11
      name: orders-db
      tier: database
      server_id: 45c48cce-2e2d-4fbd-9f1c-2c3e7a0f5a3b
      status: ACTIVE
      is_off: false
      address: 10.88.2.31
      ports:
        - port_id: c9f0f895-fb98-4b91-99f5-1fd0297e236d
          network: shop-net
          mac_address: fa:16:3e:11:22:33
          fixed_ips: [10.10.0.11]
          floating_ip: 10.88.2.31
          floating_ips: [10.88.2.31]
      checks:
        - check: port 5432
          made_by: [connection]
      seconds:
        created: 2.3
        active: 9.8
        ready: 17.0
ports:
  description:
    - The application's ports that are on no server, such as those of virtual addresses, and those that servers have by way of a trunk.
      Each has what a server's port has, and its C(name).
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - name: shop-vip
      port_id: 1f0e3dad-9990-4f45-b8c3-0b1a54a3cf3a
      network: shop-net
      mac_address: fa:16:3e:11:22:44
      fixed_ips: [10.10.0.100]
      floating_ip: 10.88.2.40
      floating_ips: [10.88.2.40]
forwarding_floating_ips:
  description: The floating addresses that forward their ports to several of the application's, each with the id of the one that it stands for.
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - source_id: 98f13708-2101-44c6-a3c3-5f7e1b2f3c9d
      floating_ip: 10.88.2.41
volumes:
  description: All volumes of the application, as M(osdr.openstack.os_restore_volumes) returns them, with C(seconds) from this module's start.
  returned: when O(volumes=restore)
  type: list
  elements: dict
  sample:
    - source_id: 0c5c2f0e-71cf-4f53-8f4c-4f2c1a4fb6f6
      server: orders-db
      name: orders-db-data
      device: /dev/vdb
      size: 1
      copy_id: 6a3a4d43-5d3c-4a86-9b6a-0f6f5de0c0e4
      volume_id: 4b6f5a53-2a5a-4d5f-9b8e-8ac1f2e7d0a1
      status: in-use
      seconds:
        requested: null
        ready: 6.1
started_at:
  description: When the module started, by the clock of the controller.
  returned: when O(state=present)
  type: str
  sample: "2026-11-22T14:30:14.150Z"
timing:
  description: How long it took, for what this run did; null in check mode.
  returned: success and O(state=present)
  type: dict
  contains:
    wall_seconds:
      description: From the module's start until the last tier was ready.
      type: float
    critical_path_seconds:
      description:
        - The least possible time, the sum of the slowest servers of all tiers. The rest of RV(timing.wall_seconds) was spent
          waiting because of O(concurrency), and between tiers.
      type: float
    tiers:
      description: The tiers in boot order.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the tier.
          type: str
        started:
          description: Seconds from the module's start until the tier began.
          type: float
        ready:
          description: Seconds from the module's start until all its servers had passed their health checks.
          type: float
        slowest:
          description: Name of the server that took longest.
          type: str
        slowest_seconds:
          description: Seconds from when that server was begun until it had passed its checks, and those before for which it waited for its own volumes.
          type: float
  sample:
    wall_seconds: 37.2
    critical_path_seconds: 36.5
    tiers:
      - name: database
        started: 0.1
        ready: 21.4
        slowest: payments-db
        slowest_seconds: 21.1
      - name: front
        started: 21.4
        ready: 37.2
        slowest: shop-front
        slowest_seconds: 15.4
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import user_data
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.selection import chosen, servers_of_tiers
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.readiness import gates as readiness
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents, Probes
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import ServerRemover
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers, named_owner
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sealed import Means
from ansible_collections.osdr.openstack.plugins.module_utils.restore.servers import ServerRestore, Services
from ansible_collections.osdr.openstack.plugins.module_utils.restore.site import look
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volumes import VolumeRestore, VolumesUnderWay
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def gates_of(params, manifest, cloud):
    """The gates between tiers; refuses commands that nobody has allowed."""
    probe = readiness.DrillProbe(**params["drill_probe"])
    agents = Agents.of(cloud, **params["quiesce"]) if probe.agent or readiness.asks_agents(manifest.application) else None
    ask = Probes(agents, Compute(cloud)).ask
    return readiness.gates_for(manifest.application, manifest.drill is not None, params["command_checks"], probe, ask)


def present(module, cloud, waiter):
    params = module.params
    wish = Wish.parse(published(cloud, params), params["mapping"], params["drill"], params["servers"])
    manifest = wish.manifest_there()
    names = [server.name for server in manifest.description.servers] if params["tiers"] is None else servers_of_tiers(manifest, params["tiers"])
    for warning in user_data.warnings(chosen(manifest, names), params["user_data_key"]):
        module.warn(warning)
    # The volumes of all tiers are begun, whichever servers are built now.
    admin = connect_other(params["admin_cloud"]) if params["admin_cloud"] else None
    there = look(cloud, params["concurrency"], admin)
    whole = RestorePlan.of(user_data.opened(manifest, params["user_data_key"]), there, wish.whole_there())
    plan = whole.narrowed(names)
    for warning in readiness.command_warnings(plan.manifest.application, params["command_checks"]):
        module.warn(warning)
    volumes = None
    if params["volumes"] == "restore":
        unlocking = Means.parse(params).unlocking(cloud, whole.manifest, waiter, params["concurrency"])
        volumes = VolumesUnderWay(VolumeRestore(BlockStorage(cloud), whole.manifest, waiter, params["concurrency"], unlocking), whole.volumes)
    gates = gates_of(params, plan.manifest, cloud)
    services = Services(Compute(cloud), Networking(cloud), Networking(admin) if admin else None)
    restore = ServerRestore(services, plan, waiter, params["concurrency"], gates, volumes)
    return job.restore_servers(restore, module.check_mode)


def absent(module, cloud, waiter):
    params = module.params
    if params["tiers"] or params["servers"] is not None or params["volumes"] == "restore":
        raise InvalidInput("With state: absent everything is removed that was restored; take tiers, servers and volumes out.")
    owner = named_owner(params["application"], params["checkpoint"], params["drill"])
    site = look(cloud, params["concurrency"])
    remover = ServerRemover(site.name, Compute(cloud), Networking(cloud), waiter, params["concurrency"])
    return job.remove_servers(remover, MadeServers.of(owner, site), module.check_mode)


def run(module):
    cloud, waiter = connect(module.params), Waiter(timeout=module.params["timeout"], interval=1.0)
    result = (present if module.params["state"] == "present" else absent)(module, cloud, waiter)
    for warning in result.pop("warnings"):
        module.warn(warning)
    return result


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.USER_DATA_KEY,
            args.MAPPING,
            args.COMMAND_CHECKS,
            args.AGENTS,
            args.DRILL,
            args.ENCRYPTED,
            args.SERVERS,
            args.ADMIN_CLOUD,
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "tiers": {"type": "list", "elements": "str"},
                "volumes": {"type": "str", "choices": ["there", "restore"], "default": "there"},
                "drill_probe": {
                    "type": "dict",
                    "default": {},
                    "options": {
                        "agent": {"type": "bool", "default": False},
                        "console": {"type": "str"},
                        "timeout": {"type": "int"},
                    },
                },
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
