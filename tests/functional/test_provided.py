# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on a network that the operator of each site provides, for servers alone: who may choose its addresses, and nothing of the operator's changes."""

from __future__ import annotations

import contextlib

import inputs
import laboratory
import owned
import pytest
from laboratory import cloud, playbook

pytestmark = pytest.mark.campaign

SITES = ("primary", "remote")
#: Addresses that no other application of the lab has.
RANGE, ADDRESS, MAC, PAIR = "10.68.0.0/24", "10.68.0.11", "fa:16:3e:68:00:11", "10.68.0.80"
#: To whose ports alone the network gives addresses.
OWNER = "compute:nova"
OFFICES = ["192.0.2.0/24", "198.51.100.7/32"]
#: What Neutron counts by itself.
COUNTED = ("revision_number", "updated_at", "status", "location")


class Provided:
    """One server at the primary site, on a network of the operator, with a rule that names an address group."""

    def __init__(self):
        self.name = laboratory.unique("provided")
        self.checkpoint_id = f"{self.name}-1"
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()

    def build(self):
        subnets = {site: self._provide(site) for site in SITES}
        group = self._groups()
        port = self._port(subnets["primary"], group)
        self._server(port)

    def _provide(self, site):
        admin = cloud(f"{site}-admin").network
        network = admin.create_network(name=self.name, is_shared=True)
        self._undo.callback(admin.delete_network, network)
        return admin.create_subnet(name=self.name, network_id=network.id, ip_version=4, cidr=RANGE, service_types=[OWNER])

    def _groups(self):
        network = cloud("primary").network
        addresses = network.create_address_group(name=self.name, addresses=OFFICES)
        self._undo.callback(network.delete_address_group, addresses)
        group = network.create_security_group(name=self.name)
        self._undo.callback(network.delete_security_group, group)
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}
        network.create_security_group_rule(security_group_id=group.id, remote_address_group_id=addresses.id, **rule)
        return group

    def _port(self, subnet, group):
        """Only an administrator makes it with these addresses."""
        admin = cloud("primary-admin").network
        port = admin.create_port(
            network_id=subnet.network_id,
            project_id=cloud("primary").current_project_id,
            device_owner=OWNER,
            mac_address=MAC,
            fixed_ips=[{"subnet_id": subnet.id, "ip_address": ADDRESS}],
            security_group_ids=[group.id],
            allowed_address_pairs=[{"ip_address": PAIR}],
        )
        self._undo.callback(admin.delete_port, port)
        return port

    def _server(self, port):
        volume_id = owned.volume(self._undo, self.name, volume_type="ceph", image="lab-guest", bootable=True)
        compute = cloud("primary").compute
        disk = {"uuid": volume_id, "source_type": "volume", "destination_type": "volume", "boot_index": 0, "delete_on_termination": False}
        flavor = compute.find_flavor("lab.small", ignore_missing=False)
        server = compute.create_server(name=self.name, flavor_id=flavor.id, networks=[{"port": port.id}], block_device_mapping=[disk])
        self._undo.callback(owned.remove_server, server.id)
        compute.wait_for_server(server, wait=600)

    # What is done with it

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": "only", "servers": [self.name]}]}

    def checkpoint(self):
        return inputs.checkpoint(self.definition, self.checkpoint_id, dr_checkpoint_consistency="crash")

    def restore(self, **given):
        return {"dr_restore_cloud": "remote", "dr_restore_application": self.name, "dr_restore_activate": False, **given}

    @contextlib.contextmanager
    def restored(self, **given):
        """It runs at the remote site meanwhile; yields its port there."""
        done = playbook("restore", **self.restore(**given))
        try:
            assert done.returncode == 0, done.stdout + done.stderr
            again = playbook("restore", **self.restore(**given))
            assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout + again.stderr
            yield self.port()
        finally:
            removed = playbook("cleanup", **inputs.cleanup(self.name, self.checkpoint_id))
            assert removed.returncode == 0, removed.stdout + removed.stderr

    def port(self):
        server = cloud("remote").compute.find_server(self.name, ignore_missing=False)
        (port,) = cloud("remote").network.ports(device_id=server.id)
        return port

    def of_operator(self):
        """The network at the remote site as its owner sees it, to the letter, with everybody's ports but ours."""
        network, ours = cloud("remote-admin").network, cloud("remote").current_project_id
        net = network.find_network(self.name, ignore_missing=False)
        ports = [one for one in network.ports(network_id=net.id) if one.project_id != ours]
        found = [net, *network.subnets(network_id=net.id), *ports]
        return {one.id: {key: value for key, value in one.to_dict().items() if key not in COUNTED} for one in found}

    def left(self):
        """What there is of ours at the remote site."""
        network, ours = cloud("remote").network, cloud("remote").current_project_id
        net = network.find_network(self.name, ignore_missing=False)
        ports = [one.id for one in network.ports(network_id=net.id, project_id=ours)]
        return [*ports, *(one.name for one in network.address_groups() if one.name == self.name)]

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        owned.forget(self.definition, self.checkpoint_id)
        self._undo.close()


@pytest.fixture(scope="module")
def provided(application):
    yield from owned.protected(Provided())


@pytest.fixture
def untouched(provided):
    before = provided.of_operator()
    yield
    assert (provided.of_operator(), provided.left()) == (before, [])


def test_a_member_may_not_choose_and_is_told_before_the_first_change(provided, untouched):
    refused = playbook("restore", **provided.restore())
    told = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode != 0
    assert f"needs {MAC} and {ADDRESS}, but network '{provided.name}' at site 'remote' belongs to another project" in told
    assert "changed=0 " in refused.stdout


def test_a_member_gets_what_neutron_chooses_and_is_told_what_it_lacks(provided, untouched):
    new = {"dr_restore_mapping": {"schema_version": 1, "addresses": {"policy": "new"}}}
    checked = playbook("restore", "--check", **provided.restore(**new))
    assert f"will lack its allowed_address_pairs ({PAIR})" in " ".join((checked.stdout + checked.stderr).split())
    with provided.restored(**new) as port:
        assert (port.mac_address != MAC, port.fixed_ips[0]["ip_address"] != ADDRESS, port.allowed_address_pairs) == (True, True, [])


def test_an_administrator_keeps_the_addresses_for_the_project(provided, untouched):
    with provided.restored(dr_restore_admin_cloud="remote-admin") as port:
        assert (port.mac_address, [ip["ip_address"] for ip in port.fixed_ips]) == (MAC, [ADDRESS])
        assert [pair["ip_address"] for pair in port.allowed_address_pairs] == [PAIR]
        assert port.project_id == cloud("remote").current_project_id
        assert f"osdr_application={provided.name}" in port.description
        (addresses,) = [one for one in cloud("remote").network.address_groups() if one.name == provided.name]
        assert sorted(addresses.addresses) == OFFICES
        (group,) = port.security_group_ids
        rules = cloud("remote").network.get_security_group(group).security_group_rules
        assert [rule["remote_address_group_id"] for rule in rules if rule["direction"] == "ingress"] == [addresses.id]
