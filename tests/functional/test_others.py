# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second project at the remote site that has networks, routers, groups and volumes of the same names, and shares some of them: nothing of it changes."""

from __future__ import annotations

import contextlib
import dataclasses

import copies
import openstack
import pytest
from laboratory import cloud, playbook, unique, wait

pytestmark = pytest.mark.campaign

SITE = "remote"
ADMIN = f"{SITE}-admin"
PROJECT = "shop"
#: What the restore makes at the site, by the mapping of :mod:`copies`.
NETWORK, SUBNET, ROUTER, GROUP = (
    copies.ELSEWHERE[kind][name]["name"] for kind, name in
    (("networks", "shop-net"), ("subnets", "shop-subnet"), ("routers", "shop-router"), ("security_groups", "shop"))
)


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A project that nobody asked."""

    id: str
    network_id: str
    group_id: str

    @classmethod
    def move_in(cls, project_id):
        network = cloud(ADMIN).network
        net = network.create_network(name=NETWORK, project_id=project_id)
        subnet = network.create_subnet(name=SUBNET, project_id=project_id, network_id=net.id, ip_version=4, cidr="10.77.0.0/24")
        router = network.create_router(name=ROUTER, project_id=project_id)
        network.add_interface_to_router(router, subnet_id=subnet.id)
        group = network.create_security_group(name=GROUP, project_id=project_id)
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 2222, "port_range_max": 2222}
        network.create_security_group_rule(security_group_id=group.id, project_id=project_id, **rule)
        network.create_port(name="of-the-neighbour", project_id=project_id, network_id=net.id, fixed_ips=[{"ip_address": "10.77.0.200"}])
        return cls(project_id, net.id, group.id)

    def share(self, project_id):
        """Let another project use network and group, by RBAC."""
        for kind, one in (("network", self.network_id), ("security_group", self.group_id)):
            cloud(ADMIN).network.create_rbac_policy(object_type=kind, object_id=one, action="access_as_shared", target_project_id=project_id)

    def everything(self):
        """All that it has, to the letter, but for what Neutron counts by itself."""
        network = cloud(ADMIN).network
        lists = {
            "networks": network.networks(project_id=self.id),
            "subnets": network.subnets(network_id=self.network_id),
            "routers": network.routers(project_id=self.id),
            "ports": network.ports(project_id=self.id),
            "groups": network.security_groups(project_id=self.id),
            "rules": network.security_group_rules(project_id=self.id),
            "floating addresses": network.ips(project_id=self.id),
        }
        # The rules of groups are a list of their own, too, and in a group they have no order.
        own = ("revision_number", "updated_at", "status", "location", "security_group_rules")
        return {
            kind: {one.id: {key: value for key, value in one.to_dict().items() if key not in own} for one in things} for kind, things in lists.items()
        }

    def move_out(self):
        network = cloud(ADMIN).network
        for policy in network.rbac_policies():
            if policy.object_id in (self.network_id, self.group_id):
                network.delete_rbac_policy(policy)
        for router in network.routers(project_id=self.id):
            for port in network.ports(device_id=router.id):
                network.remove_interface_from_router(router, port_id=port.id)
            network.delete_router(router)
        for port in network.ports(project_id=self.id):
            if not port.device_owner:
                network.delete_port(port)
        for one in network.networks(project_id=self.id):
            network.delete_network(one)
        for group in network.security_groups(project_id=self.id):
            network.delete_security_group(group)


@pytest.fixture(scope="module")
def published(application):
    with copies.published() as made:
        yield made


@pytest.fixture
def protected(published):
    """What a test that fails has restored is gone before the next one."""
    yield published
    removed = playbook("cleanup", **published.cleanup())
    assert removed.returncode == 0, removed.stdout


@pytest.fixture
def neighbour():
    identity = cloud(ADMIN).identity
    project = identity.create_project(name=unique("neighbour"), domain_id="default")
    there = Neighbour.move_in(project.id)
    try:
        yield there
    finally:
        there.move_out()
        identity.delete_project(project)


@contextlib.contextmanager
def administrator_of(project):
    """Credentials of an administrator who is in the project; yields a whole entry of clouds.yaml."""
    identity = cloud(ADMIN).identity
    found = identity.find_project(project, ignore_missing=False)
    name = unique("administrator")
    user = identity.create_user(name=name, password=name, domain_id="default", default_project_id=found.id)
    try:
        for role in ("admin", "member"):
            identity.assign_project_role_to_user(found, user, identity.find_role(role, ignore_missing=False))
        yield {"auth": {**cloud(SITE).config.config["auth"], "username": name, "password": name}, "region_name": SITE}
    finally:
        identity.delete_user(user)


def sees(credentials, network_id):
    return any(one.id == network_id for one in openstack.connect(**credentials).network.networks())


@pytest.mark.parametrize("is_shared", [False, True], ids=["apart", "shared"])
def test_an_administrators_restore_leaves_the_neighbour_alone(protected, neighbour, is_shared):
    with administrator_of(PROJECT) as credentials:
        assert sees(credentials, neighbour.network_id), "the test is of no use when these credentials see nothing of others"
        if is_shared:
            # What is there under the name in one's own project counts: it is made before the other one is shared.
            made = playbook("restore", **{**protected.restore(), "dr_restore_cloud": credentials})
            assert made.returncode == 0, made.stdout
            neighbour.share(cloud(SITE).current_project_id)
        before = neighbour.everything()
        done = playbook("restore", **{**protected.restore(), "dr_restore_cloud": credentials})
        assert done.returncode == 0, done.stdout
        assert neighbour.everything() == before
        again = playbook("restore", **{**protected.restore(), "dr_restore_cloud": credentials})
        assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout
        removed = playbook("cleanup", **{**protected.cleanup(), "dr_cleanup_cloud": credentials})
        assert removed.returncode == 0, removed.stdout
        assert neighbour.everything() == before
    wait("nothing is left of the restore", lambda: not list(cloud(SITE).network.networks(name=NETWORK, project_id=cloud(SITE).current_project_id)), 60)
