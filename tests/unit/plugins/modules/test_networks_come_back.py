# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application with all that Neutron can give one: captured, restored in an empty project, and captured again, it is the same."""

from __future__ import annotations

import copy
import itertools
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.changes import changes
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import ApplicationDescription
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_application_info, os_restore_check, os_restore_networks, os_restore_servers
from ansible_collections.osdr.openstack.tests.unit.support import given, shop
from ansible_collections.osdr.openstack.tests.unit.support.at_once import at_once
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.tenants import OURS, Tenants

FORWARDING = {"internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": "for administrators"}
QUIESCE = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None}


def text(description, *tags):
    return {"description": description, "tags": list(tags)}


class Rich:
    """A project with such an application."""

    def __init__(self, tenants):
        self.tenants = tenants
        for kind, name in (("policies", "gold"), ("subnetpools", "pool")):
            tenants.add(kind, OURS, name=name, shared=True, prefixes=["10.0.0.0/8"])
        tenants.add("networks", "operator", name="public", **{"router:external": True})

    def build(self):
        add = self.tenants.add
        policy, pool = (self._id(kind) for kind in ("policies", "subnetpools"))
        net = add("networks", OURS, name="shop-net", mtu=1400, admin_state_up=False, dns_domain="shop.", qos_policy_id=policy, **text("the shop's", "gold"))
        back = add("networks", OURS, name="back-net", mtu=1400)
        values = {"ip_version": 4, "enable_dhcp": True, "dns_nameservers": [], "allocation_pools": [], "host_routes": []}
        front = {"network_id": net["id"], "cidr": "10.10.0.0/24", "gateway_ip": "10.10.0.1", "subnetpool_id": pool}
        sub = add("subnets", OURS, name="shop-subnet", **front, **values, **text("in front"))
        behind = add("subnets", OURS, name="back-subnet", network_id=back["id"], cidr="10.20.0.0/24", gateway_ip=None, **values, **text("", "back"))
        gateway = {"network_id": self._public(), "enable_snat": True, "qos_policy_id": policy}
        routes = [{"destination": "10.99.0.0/16", "nexthop": "10.10.0.77"}]
        router = add("routers", OURS, name="shop-router", admin_state_up=False, external_gateway_info=gateway, routes=routes, **text("out", "edge"))
        self._interface(router, net, sub, "10.10.0.1")
        self._interface(router, back, behind, "10.20.0.254")
        group = add("security-groups", OURS, name="shop", stateful=True, **text("what it serves", "web"))
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
        add("security-group-rules", OURS, security_group_id=group["id"], **rule)
        self._server(net, sub, group, policy)
        self._virtual_address(net, sub, group)
        self._trunk(back, behind, group)

    def _public(self):
        return next(one["id"] for one in self.tenants.by_id["networks"].values() if one.get("router:external"))

    def _id(self, kind):
        return next(iter(self.tenants.by_id[kind]))

    def _interface(self, router, network, subnet, address):
        fixed = [{"subnet_id": subnet["id"], "ip_address": address}]
        owner = "network:router_interface"
        self.tenants.add(
            "ports", OURS, network_id=network["id"], device_id=router["id"], device_owner=owner, mac_address=f"fa:16:3e:ee:{address[-2:]}:00", fixed_ips=fixed
        )

    def _port(self, name, mac, network, subnet, group, *addresses, **more):
        fixed = [{"subnet_id": subnet["id"], "ip_address": one} for one in addresses]
        values = {"device_id": "", "device_owner": "", "status": "DOWN", "security_groups": [group["id"]], "allowed_address_pairs": []}
        return self.tenants.add("ports", OURS, name=name, mac_address=mac, network_id=network["id"], fixed_ips=fixed, **{**values, **more})

    def _floating(self, port, address, **more):
        wanted = {"port_id": port and port["id"], "fixed_ip_address": address, "floating_network_id": self._public()}
        self.tenants.add("floatingips", OURS, floating_ip_address=f"10.88.9.{len(self.tenants.by_id['floatingips'])}", **wanted, **more)

    def _server(self, net, sub, group, policy):
        volume = self.tenants.volume(OURS, "boot", "")
        volume["attachments"] = [{"server_id": "s", "device": "/dev/vda"}]
        server = self.tenants.server(OURS, "front", {}, [{"id": volume["id"], "delete_on_termination": False}])
        volume["attachments"][0]["server_id"] = server["id"]
        options = [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}]
        more = {"device_id": server["id"], "device_owner": "compute:nova", "qos_policy_id": policy, "dns_domain": "shop.", "extra_dhcp_opts": options}
        pairs = [{"ip_address": "10.10.0.100", "mac_address": "fa:16:3e:00:00:01"}]
        self.parent = self._port(
            "front-0", "fa:16:3e:00:00:01", net, sub, group, "10.10.0.11", "10.10.0.12", allowed_address_pairs=pairs, **more, **text("its face", "nic")
        )
        self._floating(self.parent, "10.10.0.12", dns_name="www", dns_domain="shop.", qos_policy_id=policy, **text("the shop", "vip"))
        self._floating(self.parent, "10.10.0.11")

    def _virtual_address(self, net, sub, group):
        virtual = self._port("vip", "fa:16:3e:00:00:02", net, sub, group, "10.10.0.100", dns_name="vip", **text("keepalived", "virtual"))
        self._floating(virtual, "10.10.0.100", description="the entrance")

    def _trunk(self, back, behind, group):
        subport = self._port("back-0", "fa:16:3e:00:00:03", back, behind, group, "10.20.0.11", device_owner="trunk:subport")
        ports = [{"port_id": subport["id"], "segmentation_type": "vlan", "segmentation_id": 20}]
        self.tenants.add("trunks", OURS, name="uplink", port_id=self.parent["id"], admin_state_up=True, sub_ports=ports, **text("two networks", "trunk"))
        forwarding = {**FORWARDING, "internal_port_id": subport["id"], "internal_ip_address": "10.20.0.11"}
        self._floating(None, None, port_forwardings=[forwarding], description="to the back")

    def gone(self):
        """The site is lost; another one is empty."""
        for kind, things in self.tenants.by_id.items():
            if kind not in ("policies", "subnetpools"):
                self.tenants.by_id[kind] = {key: one for key, one in things.items() if one["project_id"] != OURS}
        self.tenants.writes.clear()


APPLICATION = {"name": "shop", "tiers": [{"name": "front", "servers": ["front"], "checks": []}]}


class Site:
    def __init__(self, tenants, monkeypatch):
        self.tenants, self.rich, self.cloud, self.told = tenants, Rich(tenants), tenants.cloud(), []
        for module in (os_application_info, os_restore_check, os_restore_networks, os_restore_servers):
            monkeypatch.setattr(module, "connect", lambda _params: self.cloud)
        for module in (os_restore_check, os_restore_networks, os_restore_servers):
            monkeypatch.setattr(module, "published", given.manifest)
        monkeypatch.setattr(os_restore_servers, "Waiter", lambda timeout, interval: self.waiter)

    @property
    def waiter(self):
        return Waiter(60, 1, FakeTime().clock)

    def captured(self):
        params = {"application": APPLICATION, "user_data": "omit", "user_data_key": None, "admin_cloud": None, "concurrency": 1, "volume_public_key": None}
        params["draft"] = None
        return os_application_info.run(SimpleNamespace(params=params, warn=self.told.append, check_mode=False))["application_description"]

    def protected(self):
        """The manifest of a checkpoint; the volumes are restored already."""
        self.rich.build()
        described = self.captured()
        volumes = [volume for server in described["servers"] for volume in server["volumes"]]
        for volume in volumes:
            volume["source_id"] = shop.uuid(1)
        for server in described["servers"]:
            server["source_id"] = shop.uuid(21)
        self.manifest = {**shop.document(), **_with_uuids(described), "copies": shop.document()["copies"][:1]}
        self.manifest["checkpoint"]["server_consistency"] = {"front": "quiesced"}
        self.rich.gone()
        # What is known of a site is asked of the other one again.
        self.cloud = self.tenants.cloud()
        self.tenants.volume(OURS, "boot", Mark("shop", "noon", shop.uuid(1)).text(), Mark("shop", "noon", shop.uuid(1)).metadata())
        return self.manifest

    def _params(self, **changes):
        values = {"manifest": self.manifest, "mapping": None, "drill": None, "servers": None, "others": [], "state": "present", "timeout": 60, "concurrency": 1}
        return {**shop.NOT_ENCRYPTED, **values, **changes}

    def check(self):
        more = {"user_data_key": None, "admin_cloud": None, "remove_old": False, "keep_volumes": False, "command_checks": "refuse"}
        return os_restore_check.check(SimpleNamespace(params=self._params(**more), warn=self.told.append))

    def networks(self):
        return os_restore_networks.run(self._params(), False)

    def servers(self):
        own = {"user_data_key": None, "admin_cloud": None, "tiers": None, "volumes": "there", "command_checks": "refuse", "quiesce": QUIESCE}
        params = self._params(**own, drill_probe={"agent": False, "console": None, "timeout": None})
        return os_restore_servers.run(SimpleNamespace(params=params, warn=self.told.append, check_mode=False))

    def restore(self):
        return self.networks()["warnings"], self.servers()

    def cleanup(self):
        cleanup = Cleanup(self.cloud, Mark("shop", "noon"), self.waiter, 1)
        return cleanup.apply(cleanup.plan())

    def what_changed(self):
        now = self.captured()
        described = [ApplicationDescription.parse(one) for one in (self.manifest, now)]
        return [str(one) for one in changes(*described)]


def _with_uuids(described):
    """Ids as sites have them, in place of those of the cloud of tests."""
    found = copy.deepcopy(described)
    ports = [*(port for server in found["servers"] for port in server["ports"]), *found["topology"]["ports"]]
    ids = {port["source_id"]: shop.uuid(300 + number) for number, port in enumerate(ports)}
    for port in ports:
        port["source_id"] = ids[port["source_id"]]
    for number, trunk in enumerate(found["topology"]["trunks"]):
        trunk.update(source_id=shop.uuid(400 + number), port=ids[trunk["port"]])
        trunk["subports"] = [{**one, "port": ids[one["port"]]} for one in trunk["subports"]]
    for number, forwarder in enumerate(found["topology"]["forwarders"]):
        forwarder.update(source_id=shop.uuid(500 + number))
        forwarder["forwardings"] = [{**one, "port": ids[one["port"]]} for one in forwarder["forwardings"]]
    return found


@pytest.fixture
def tenants(requests_mock):
    return Tenants(requests_mock)


@pytest.fixture
def site(tenants, monkeypatch):
    with at_once():
        yield Site(tenants, monkeypatch)


#: Of servers; these tests ask for networks.
OF_SERVERS = ("server ", "volume ", "tier ")


def of_networks(told):
    return [one for one in told if not one.startswith(OF_SERVERS)]


def missing(site):
    """What the checkpoint names as lost of its networks."""
    return of_networks(f"{one['resource']}: {one['attribute']}" for one in site.manifest["missing"])


def test_it_comes_back_as_it_was(site):
    site.protected()
    assert (missing(site), site.check()["problems"]) == ([], [])
    warnings, result = site.restore()
    assert (warnings, of_networks(site.what_changed())) == ([], [])
    virtual, subport = sorted(result["ports"], key=lambda port: port["name"], reverse=True)
    assert (virtual["name"], len(virtual["floating_ips"]), subport["floating_ips"]) == ("vip", 1, [])
    assert len(result["servers"][0]["ports"][0]["floating_ips"]) == 2


def test_a_second_run_changes_nothing(site, tenants):
    site.protected()
    site.restore()
    tenants.writes.clear()
    assert (site.networks()["changed"], site.servers()["changed"], tenants.writes) == (False, False, [])


def test_what_was_restored_can_be_removed(site, tenants):
    site.protected()
    before = {kind: set(things) for kind, things in tenants.by_id.items()}
    site.restore()
    site.cleanup()
    left = {kind: set(things) - before[kind] for kind, things in tenants.by_id.items()}
    # A server group bears no mark; here is none.
    assert {kind: ids for kind, ids in left.items() if ids} == {}


class Killed(BaseException):
    """Stands for a killed controller."""


def killed_after(tenants, writes, work):
    """Do something, and be killed right after so many writes.

    :returns: whether it ended before.
    """
    left = itertools.count(1)

    def count():
        if next(left) == writes:
            raise Killed

    tenants.after_change = count
    try:
        work()
    except Killed:
        return False
    finally:
        tenants.after_change = lambda: None
    return True


def test_killed_after_a_change_it_is_finished_by_another_run(site, tenants):
    """After each third one; the random applications of "make attack" are killed after any."""
    site.protected()
    start = copy.deepcopy(tenants.by_id)
    ended, writes = False, -2
    while not ended:
        writes += 3
        tenants.by_id = copy.deepcopy(start)
        ended = killed_after(tenants, writes, site.restore)
        assert site.check()["problems"] == [], f"killed after {writes} changes"
        site.restore()
        assert of_networks(site.what_changed()) == [], f"killed after {writes} changes"
        assert not (site.networks()["changed"] or site.servers()["changed"]), f"killed after {writes} changes"
    assert writes > 20


ALIASES = {
    "standard-attr-tag": "tags",
    "trunk": "trunk 'uplink' (trunk_details) with port 'back-0'",
    "floating-ip-port-forwarding": "the floating address that forwards tcp 2222",
    "extraroute": "routes",
    "dns-integration": "dns_domain",
    "dns-domain-ports": "dns_domain",
    "qos": "qos_policy_id",
    "qos-fip": "qos_policy_id",
    "qos-gateway-ip": "qos_policy_id",
    "extra_dhcp_opt": "extra_dhcp_opts",
    "net-mtu-writable": "mtu",
}


@pytest.mark.parametrize("alias", ALIASES)
def test_what_a_site_has_no_extension_for_is_told_before_and_the_rest_is_restored(site, tenants, alias):
    site.protected()
    tenants.extensions.discard(alias)
    assert site.check()["problems"] == []
    lost = [one for one in site.told if f"its Neutron has no extension {alias}." in one]
    assert lost
    assert all(ALIASES[alias] in one or "dns_name" in one for one in lost)
    site.restore()
    tenants.writes.clear()
    assert (site.networks()["changed"], site.servers()["changed"], tenants.writes) == (False, False, [])


def test_what_policies_do_not_allow_is_left_out_with_a_warning(site, tenants):
    site.protected()
    topology = site.manifest["topology"]
    topology["subnets"][1]["service_types"] = ["compute:nova"]
    topology["routers"][0].update(is_ha=True, is_distributed=False, enable_snat=False)
    site.manifest["servers"][0]["ports"][0]["profile"] = {"trusted": "true"}
    assert site.check()["problems"] == []
    warnings, _result = site.restore()
    told = [one for one in (*warnings, *site.told) if "which the site refuses" in one]
    of_port = "Port fa:16:3e:00:00:01 of server 'front' on network 'shop-net'"
    left_out = {one.split(", which the site refuses")[0].replace(" at site 'remote'", "") for one in told}
    assert left_out == {
        f"{of_port} is without binding:profile ({{'trusted': 'true'}})",
        "Router 'shop-router' is without ha (true)",
        "Router 'shop-router' is without distributed (false)",
        "Router 'shop-router' is without qos_policy_id, enable_snat",
        "Subnet 'shop-subnet' is without service_types (compute:nova)",
    }
    tenants.writes.clear()
    assert (site.networks()["changed"], site.servers()["changed"], tenants.writes) == (False, False, [])


REFUSED = {
    "routes": (lambda method, *path: method == "PUT" and path[0] == "routers" and not path[2:], "Router 'shop-router' is without routes (10.99.0.0/16 by "),
    "MTU": (lambda method, *path: method == "PUT" and path[0] == "networks" and not path[2:], "Network 'shop-net' is without an MTU of 1400 (mtu)"),
    "pools": (lambda method, *path: method == "PUT" and path[0] == "subnets" and not path[2:], "Subnet 'shop-subnet' is without all of its allocation_pools"),
    "forwardings": (
        lambda method, *path: method == "POST" and path[2:] == ("port_forwardings",),
        "is without its forwarding of tcp 2222 to 10.20.0.11",
    ),
    "tags": (lambda method, *path: path[2:] == ("tags",), "The floating address of port 'vip' (fa:16:3e:00:00:02) is without tags"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_site_refuses_of_what_is_there_ends_no_restore_and_the_next_one_tries_again(site, tenants, what):
    site.protected()
    for subnet in site.manifest["topology"]["subnets"]:
        subnet["allocation_pools"] = [{"start": subnet["cidr"].replace("0/24", "2"), "end": subnet["cidr"].replace("0/24", "254")}]
    tenants.refuses, told = REFUSED[what]
    assert site.check()["problems"] == []
    warnings, result = site.restore()
    refused = [one for one in (*warnings, *site.told) if "which the site refuses: Site 'remote'" in one]
    assert [one for one in refused if told in one.replace(" at site 'remote'", "")], refused
    assert [server["status"] for server in result["servers"]] == ["ACTIVE"]
    tenants.refuses = lambda *_request: False
    assert site.networks()["changed"] or site.servers()["changed"]
    site.servers()
    assert of_networks(site.what_changed()) == []


def test_a_server_is_built_without_the_trunk_that_a_site_refuses(site, tenants):
    site.protected()
    tenants.refuses = lambda method, *path: method == "POST" and path == ("trunks",)
    _warnings, result = site.restore()
    assert [server["status"] for server in result["servers"]] == ["ACTIVE"]
    of_port = "Port fa:16:3e:00:00:01 of server 'front' on network 'shop-net' at site 'remote'"
    (told,) = [one for one in site.told if "trunk" in one and "refuses" in one]
    assert told.startswith(f"{of_port} is without its trunk 'uplink' (trunk_details), which the site refuses: ")
    tenants.writes.clear()
    site.servers()
    assert tenants.writes == [("POST", "trunks")], "it may have it by now"


def test_an_address_that_leads_to_others_by_now_is_left_to_them(site, tenants):
    site.protected()
    site.restore()
    forwarding = next(one for one in tenants.by_id["floatingips"].values() if one.get("port_forwardings"))
    bound = next(one for one in tenants.by_id["floatingips"].values() if one["description"].startswith("the entrance"))
    network = next(iter(tenants.by_id["networks"]))
    fixed = [{"subnet_id": "another", "ip_address": "10.30.0.9"}]
    theirs = tenants.add("ports", network_id=network, fixed_ips=fixed, device_id="", device_owner="", mac_address="fa:16:3e:99:00:01")
    ranges = {"internal_port_range": "80:90", "external_port_range": "80:90", "protocol": "tcp"}
    forwarding["port_forwardings"].append({"id": "theirs", "internal_port_id": theirs["id"], "internal_ip_address": "10.30.0.9", **ranges})
    bound["port_id"] = theirs["id"]
    cleanup = Cleanup(site.cloud, Mark("shop", "noon"), site.waiter, 1)
    removal = cleanup.plan()
    for one in (forwarding, bound):
        assert f"Floating address {one['floating_ip_address']} stays: it leads to port {theirs['id']} of others." in removal.left
    cleanup.apply(removal)
    assert {forwarding["id"], bound["id"]} == {*tenants.by_id["floatingips"]}


def test_an_administrator_gets_it_all(site, tenants):
    tenants.is_admin = True
    site.protected()
    site.manifest["topology"]["routers"][0].update(is_ha=True, is_distributed=False)
    site.manifest["topology"]["subnets"][1]["service_types"] = ["compute:nova"]
    warnings, _result = site.restore()
    assert (warnings, of_networks(site.what_changed())) == ([], [])


def test_policies_and_pools_that_the_site_does_not_have_are_told_before(site, tenants):
    site.protected()
    tenants.by_id["policies"].clear()
    tenants.by_id["subnetpools"].clear()
    site.check()
    assert any("network 'shop-net' will lack its qos_policy_id (gold): it has no QoS policy 'gold' for the project." in one for one in site.told)
    assert any("subnet 'shop-subnet' will lack its subnetpool_id (pool): it has no subnet pool 'pool' for the project." in one for one in site.told)
    site.restore()


def test_a_port_with_the_addresses_that_is_there_is_used_and_not_changed(site, tenants):
    """Where the application once ran, its virtual address is still there."""
    site.protected()
    site.networks()
    (network,) = [one for one in tenants.by_id["networks"].values() if one["name"] == "shop-net"]
    (subnet,) = [one for one in tenants.by_id["subnets"].values() if one["name"] == "shop-subnet"]
    fixed = [{"subnet_id": subnet["id"], "ip_address": "10.10.0.100"}]
    values = {"device_id": "", "device_owner": "", "mac_address": "fa:16:3e:00:00:02", "security_groups": [], "tags": ["theirs"]}
    there = tenants.add("ports", OURS, name="of old", network_id=network["id"], fixed_ips=fixed, **values)
    before = copy.deepcopy(there)
    assert site.check()["problems"] == []
    site.servers()
    assert tenants.by_id["ports"][there["id"]] == before
    site.cleanup()
    assert tenants.by_id["ports"][there["id"]] == before


def test_what_is_refused_by_name_costs_nothing_else(site, tenants):
    """A firewall without port security must not lose that because of a name."""
    site.protected()
    port = site.manifest["servers"][0]["ports"][0]
    port.update(port_security=False, security_groups=[], allowed_address_pairs=[], profile={"trusted": "true"})
    site.restore()
    (made,) = [one for one in tenants.by_id["ports"].values() if one["mac_address"] == port["mac_address"]]
    assert made["port_security_enabled"] is False
    assert [one for one in site.told if "is without binding:profile ({'trusted': 'true'}), which the site refuses" in one]


def test_a_site_that_knows_no_port_security_is_told(site, tenants):
    site.protected()
    site.manifest["topology"]["networks"][0]["port_security_enabled"] = False
    tenants.extensions.discard("port-security")
    assert site.check()["problems"] == []
    told = "network 'back-net' (off at the source) depends on the site: its Neutron has no extension port-security."
    assert any(told in one for one in site.told)
    site.restore()


def test_tags_beyond_what_neutron_takes_are_told(site, tenants):
    site.protected()
    (network, _back) = sorted(site.manifest["topology"]["networks"], key=lambda one: one["name"], reverse=True)
    network["tags"] = [f"tag-{number}" for number in range(50)]
    site.check()
    assert any("network 'shop-net' will lack its tags (tag-48, tag-49): Neutron takes 50, with those of the restore." in one for one in site.told)
    site.restore()
    tenants.writes.clear()
    assert (site.networks()["changed"], tenants.writes) == (False, [])


def test_what_leads_to_the_port_of_a_server_is_made_once_that_is_there(site, tenants):
    site.protected()
    (port,), (forwarder,) = site.manifest["servers"][0]["ports"], site.manifest["topology"]["forwarders"]
    port["floating_ips"] = []
    forwarder["forwardings"] = [{**one, "port": port["source_id"], "place": 0} for one in forwarder["forwardings"]]
    site.restore()
    (made,) = [one for one in tenants.by_id["ports"].values() if one["mac_address"] == port["mac_address"]]
    forwarded = [one["internal_port_id"] for floating in tenants.by_id["floatingips"].values() for one in floating.get("port_forwardings") or ()]
    assert forwarded == [made["id"]]


def test_a_trunk_that_a_killed_restore_has_left_untagged_gets_its_tags(site, tenants):
    site.protected()
    site.restore()
    (trunk,) = tenants.by_id["trunks"].values()
    complete, trunk["tags"] = trunk["tags"], []
    site.servers()
    assert trunk["tags"] == complete
