# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How things are called at the site of a restore."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  mapping:
    description:
      - Which names at the site replace those at the source, and what to do with addresses. What is not in it keeps its name
        and addresses.
      - C(schema_version) is 1.
      - C(networks), C(subnets), C(routers), C(external_networks), C(flavors), C(volume_types), C(key_pairs),
        C(security_groups), C(address_groups), C(server_groups) and C(availability_zones) have a name of the site for a name of the source, or a
        dictionary with C(name). With C(make=true) there, the restore makes it under that name where it is missing (not external
        networks, flavors, volume types and availability zones). A subnet may have another C(cidr) there. A name that is null is
        undecided, and nothing can be restored with it; but a server group that is null is left out, and for an availability zone
        that is null the site chooses.
      - A network that belongs to another project at the source is made by no restore, but with C(make=true), for the project. For networks and subnets,
        ids of the site do as well as names.
      - C(addresses) has C(policy), which is V(keep), V(remap) (the same host part in the subnet's new C(cidr)) or V(new) (Neutron
        chooses address and MAC address), and C(floating), which is whether floating addresses are made. C(servers) has the same for a
        server by its name, and there C(ports) for its ports by the network at the source, or by the MAC address.
      - M(osdr.openstack.os_restore_mapping_info) proposes one.
    type: dict
requirements:
  - netaddr
"""
