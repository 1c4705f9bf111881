# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small application at the lab's primary site with as many of the attributes as the lab's clouds know."""

from __future__ import annotations

import contextlib

import inputs
import laboratory
import owned
from laboratory import Guest, cloud, wait

SITES = ("primary", "remote")
#: Addresses that no other application of the lab has.
FRONT, BACK, SIX = "10.66.0.0/24", "10.67.0.0/24", "fd66::/64"
#: The disks' sizes tell them apart inside the guest.
SIZES = (1, 2, 3)


class Rich:
    """Two servers: one that runs, with everything around it, and a standby that is off and locked."""

    def __init__(self):
        self.name = laboratory.unique("rich")
        self.checkpoint_id = f"{self.name}-1"
        self.servers = [f"{self.name}-front", f"{self.name}-standby"]
        self._api = cloud("primary").network
        self._compute = cloud("primary").compute
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": "standby", "servers": self.servers[1:]}, {"name": "front", "servers": self.servers[:1]}]}

    def _called(self, what):
        return f"{self.name}-{what}"

    def _make(self, collection, key, tags=(), **body):
        """One resource of Neutron; it is removed at the end."""
        answer = self._api.post(f"/{collection}", json={key: body})
        assert answer.ok, f"{collection}: {answer.text}"
        made = answer.json()[key]
        self._undo.callback(self._api.delete, f"/{collection}/{made['id']}")
        if tags:
            assert self._api.put(f"/{collection}/{made['id']}/tags", json={"tags": list(tags)}).ok
        return made

    def build(self):
        policies = [self._policy(site) for site in SITES]
        network = self._make(
            "networks", "network", ["blue"], name=self._called("front-net"), mtu=1400, description="where clients come in", qos_policy_id=policies[0]
        )
        back = self._make("networks", "network", name=self._called("back-net"), description="between the servers")
        subnets = self._subnets(network, back)
        self._router(subnets[0])
        groups = self._groups()
        front = self._front_ports(network, back, subnets, groups, policies[0])
        standby = [self._port(network, groups[1:], [(subnets[0], "10.66.0.21")], name=self._called("standby-0"), admin_state_up=True)]
        self._floating(front[0], standby[0])
        self._virtual(network, subnets[0], groups)
        self._trunk(front[1], network)
        owned.key_pair(self._undo, self.name)
        group = self._compute.create_server_group(name=self._called("apart"), policy="soft-anti-affinity")
        self._undo.callback(self._compute.delete_server_group, group.id)
        self._server(0, front, group, tags=["web", "blue"], description="answers the clients", hostname="front-of-house", metadata={"role": "front"})
        self._server(1, standby, group, tags=["standby"], description="takes over", metadata={"role": "standby", "owner": "nobody"})
        self._leave_standby_off()

    # Around the servers

    def _policy(self, site):
        """Quality of service is the operator's: of the same name at both sites."""
        admin = cloud(f"{site}-admin").network
        made = admin.create_qos_policy(name=self._called("gold"), shared=True)
        self._undo.callback(admin.delete_qos_policy, made.id)
        return made.id

    def _subnets(self, network, back):
        routes = [{"destination": "10.99.0.0/24", "nexthop": "10.66.0.9"}]
        pool = [{"start": "10.66.0.10", "end": "10.66.0.99"}]
        front = self._make(
            *("subnets", "subnet", ["v4"]),
            name=self._called("front-subnet"),
            network_id=network["id"],
            cidr=FRONT,
            ip_version=4,
            dns_nameservers=["10.66.0.53", "10.66.0.54"],
            host_routes=routes,
            allocation_pools=pool,
            description="of the clients",
        )
        modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        six = self._make("subnets", "subnet", name=self._called("six-subnet"), network_id=network["id"], cidr=SIX, ip_version=6, **modes)
        inner = self._make(
            "subnets", "subnet", name=self._called("back-subnet"), network_id=back["id"], cidr=BACK, ip_version=4, gateway_ip=None, enable_dhcp=False
        )
        return front, six, inner

    def _router(self, subnet):
        public = self._api.find_network("public", ignore_missing=False)
        router = self._make(
            "routers", "router", ["edge"], name=self._called("router"), description="to the outside", external_gateway_info={"network_id": public.id}
        )
        path = f"/routers/{router['id']}"
        assert self._api.put(f"{path}/add_router_interface", json={"subnet_id": subnet["id"]}).ok
        self._undo.callback(self._api.put, f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})
        routes = [{"destination": "10.98.0.0/24", "nexthop": "10.66.0.30"}]
        assert self._api.put(path, json={"router": {"routes": routes}}).ok
        self._undo.callback(self._api.put, path, json={"router": {"routes": []}})

    def _groups(self):
        """Two that name each other, one of them stateless."""
        outer = self._make("security-groups", "security_group", ["open"], name=self._called("outer"), description="what clients reach")
        inner = self._make("security-groups", "security_group", name=self._called("inner"), description="", stateful=False)
        rules = [
            {"security_group_id": outer["id"], "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "description": "for the test"},
            {"security_group_id": outer["id"], "protocol": "icmp", "port_range_min": 8},
            {"security_group_id": outer["id"], "ethertype": "IPv6", "protocol": "tcp", "remote_ip_prefix": "fd00::/8"},
            {"security_group_id": inner["id"], "protocol": "tcp", "port_range_min": 5432, "port_range_max": 5433, "remote_group_id": outer["id"]},
            {"security_group_id": outer["id"], "protocol": "udp", "remote_group_id": inner["id"]},
        ]
        for rule in rules:
            answer = self._api.post("/security-group-rules", json={"security_group_rule": {"direction": "ingress", **rule}})
            assert answer.ok, answer.text
        return outer, inner

    def _port(self, network, groups, addresses, tags=(), **body):
        fixed_ips = [{"subnet_id": subnet["id"], **({"ip_address": address} if address else {})} for subnet, address in addresses]
        return self._make("ports", "port", tags, network_id=network["id"], fixed_ips=fixed_ips, security_groups=[one["id"] for one in groups], **body)

    def _front_ports(self, network, back, subnets, groups, policy):
        """The second interface is on a network that comes first in the alphabet."""
        options = [{"opt_name": "domain-name", "opt_value": "shop.example", "ip_version": 4}]
        pairs = [{"ip_address": "10.66.0.80"}]
        outer = self._port(
            *(network, groups[:1], [(subnets[0], "10.66.0.11"), (subnets[0], "10.66.0.12"), (subnets[1], None)], ["front"]),
            name=self._called("front-0"),
            description="faces the clients",
            allowed_address_pairs=pairs,
            qos_policy_id=policy,
            extra_dhcp_opts=options,
        )
        inner = self._port(back, [], [(subnets[2], "10.67.0.11")], name="", port_security_enabled=False, description="to the standby")
        return outer, inner

    def _floating(self, port, other):
        """Two on one port, and one that forwards to another: Neutron forwards to no port that has a floating address itself."""
        public = self._api.find_network("public", ignore_missing=False).id
        for address, description in (("10.66.0.11", "the entrance"), ("10.66.0.12", "the second entrance")):
            self._make(
                "floatingips", "floatingip", ["entrance"], floating_network_id=public, port_id=port["id"], fixed_ip_address=address, description=description
            )
        forwarding = self._make("floatingips", "floatingip", floating_network_id=public, description="forwards")
        body = {"internal_port_id": other["id"], "internal_ip_address": "10.66.0.21", "internal_port": 8080, "external_port": 80, "protocol": "tcp"}
        answer = self._api.post(f"/floatingips/{forwarding['id']}/port_forwardings", json={"port_forwarding": {**body, "description": "web"}})
        assert answer.ok, answer.text

    def _virtual(self, network, subnet, groups):
        """An address that servers take over from each other, on no server, with a floating address."""
        virtual = self._port(network, groups[:1], [(subnet, "10.66.0.80")], ["vip"], name=self._called("vip"), description="moves between the servers")
        public = self._api.find_network("public", ignore_missing=False).id
        self._make("floatingips", "floatingip", floating_network_id=public, port_id=virtual["id"], description="the public entrance")

    def _trunk(self, parent, network):
        child = self._make("ports", "port", network_id=network["id"], name=self._called("subport"))
        sub = {"port_id": child["id"], "segmentation_type": "vlan", "segmentation_id": 101}
        self._make("trunks", "trunk", ["tagged"], port_id=parent["id"], name=self._called("trunk"), description="of the front", sub_ports=[sub])

    # Servers

    def _volume(self, server, place):
        options = {"image": "lab-guest", "bootable": True} if place == 0 else {}
        name = f"{server}-{place}" if place != 1 else ""
        volume_id = owned.volume(self._undo, name or None, SIZES[place], volume_type="ceph", **options)
        cloud("primary").block_storage.update_volume(volume_id, description=f"disk {place}", metadata={"place": str(place)})
        return volume_id

    def _server(self, number, ports, group, **options):
        name = self.servers[number]
        disks = [self._volume(name, place) for place in range(3 if number == 0 else 1)]
        mapping = [
            {"uuid": disk, "source_type": "volume", "destination_type": "volume", "boot_index": -1 if place else 0, "delete_on_termination": place == 2}
            for place, disk in enumerate(disks)
        ]
        server = self._compute.create_server(
            name=name,
            flavor_id=self._compute.find_flavor("lab.small", ignore_missing=False).id,
            networks=[{"port": port["id"]} for port in ports],
            block_device_mapping=mapping,
            key_name=self.name,
            config_drive=True,
            scheduler_hints={"group": group.id},
            **options,
        )
        self._undo.callback(self._remove_server, server.id)
        self._compute.wait_for_server(server, wait=600)

    def _remove_server(self, server_id):
        # A volume that goes with its server is removed by Nova; it is looked for at the end all the same.
        self._compute.unlock_server(server_id)
        owned.remove_server(server_id)

    def _leave_standby_off(self):
        standby = self._compute.find_server(self.servers[1], ignore_missing=False)
        self._compute.stop_server(standby)
        self._compute.wait_for_server(standby, status="SHUTOFF", wait=600)
        answer = self._compute.post(f"/servers/{standby.id}/action", json={"lock": {"locked_reason": "only for the bad day"}}, microversion="2.73")
        assert answer.ok, answer.text

    def guest(self, site):
        """The server that runs, at a site; it answers when this returns."""
        guest = Guest(cloud(site).compute.find_server(self.servers[0], ignore_missing=False))
        addresses = [one.floating_ip_address for one in cloud(site).network.ips() if one.fixed_ip_address == "10.66.0.11" and one.port_id]
        (guest.address,) = addresses
        wait(f"{guest.name} at {site}", lambda: guest.run("hostname"), 300, 3)
        return guest

    # What is done with it

    def checkpoint(self):
        """What the playbook checkpoint is given."""
        return inputs.checkpoint(self.definition, self.checkpoint_id)

    def restore(self):
        """What the playbook restore is given: nothing has another name, and nobody takes it for a move."""
        return {"dr_restore_cloud": "remote", "dr_restore_admin_cloud": "remote-admin", "dr_restore_application": self.name, "dr_restore_activate": False}

    def cleanup(self):
        return inputs.cleanup(self.name, self.checkpoint_id)

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        owned.forget(self.definition, self.checkpoint_id)
        self._undo.close()


@contextlib.contextmanager
def running():
    application = Rich()
    try:
        application.build()
        yield application
    finally:
        application.remove()
