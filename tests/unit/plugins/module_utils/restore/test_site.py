# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import AddressGroup, QosPolicy, SubnetPool, Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressGroupSpec, MappedNetworkSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore import site as restore_site
from ansible_collections.osdr.openstack.tests.unit.support import shop

SITE = shop.restored_site(
    project_id="project",
    ports_of_others=(shop.port("theirs"),),
    trunks=(Trunk("t", "trunk", "port-orders-db"),),
    qos_policies=(QosPolicy("q", "gold"),),
    subnet_pools=(SubnetPool("s", "pool"),),
    address_groups=(AddressGroup("a", "offices"),),
    nova=(2, 96),
)
CLOUD = SimpleNamespace(site="remote", project_id="project", roles=frozenset())


@pytest.fixture
def cloud(monkeypatch):
    """A site whose services can be made to fail."""
    kinds = ("ports", "ports_of_others", "floating_ips", "networks", "subnets", "routers", "security_groups", "trunks", "qos_policies", "subnet_pools")
    kinds += ("address_groups",)
    services = {
        "Compute": SimpleNamespace(
            servers=lambda: list(SITE.servers),
            flavors=lambda: list(SITE.flavors),
            key_pairs=lambda: SITE.key_pairs,
            server_groups=lambda: list(SITE.server_groups),
            newest_version=lambda: SITE.nova,
        ),
        "BlockStorage": SimpleNamespace(volumes=lambda: list(SITE.volumes)),
        "Networking": SimpleNamespace(extensions=lambda: SITE.extensions, **{kind: lambda kind=kind: list(getattr(SITE, kind)) for kind in kinds}),
    }
    for name, service in services.items():
        monkeypatch.setattr(restore_site, name, lambda cloud, service=service: service)
    return SimpleNamespace(**services)


def failing(message):
    def fail(*_arguments):
        raise CloudError(message)

    return fail


@pytest.mark.parametrize("concurrency", [1, 4, 99])
def test_everything_that_is_there_is_seen_in_its_place(cloud, concurrency):
    assert restore_site.look(CLOUD, concurrency) == SITE


def test_an_empty_site_is_seen_as_empty(cloud):
    cloud.Compute.servers = cloud.BlockStorage.volumes = cloud.Networking.ports = list
    found = restore_site.look(CLOUD, 4)
    assert (found.servers, found.volumes, found.ports) == ((), (), ())


def test_what_cannot_be_seen_is_a_failure_and_all_of_it_is_told(cloud):
    cloud.Compute.key_pairs = failing("No key pairs.")
    with pytest.raises(CloudError, match="No key pairs"):
        restore_site.look(CLOUD, 4)
    cloud.BlockStorage.volumes = failing("No volumes.")
    with pytest.raises(DrError, match="2 of 18 operations failed: No volumes. No key pairs."):
        restore_site.look(CLOUD, 4)


MEMBER, ADMINISTRATOR = frozenset({"member", "reader"}), frozenset({"admin", "member"})


@pytest.mark.parametrize(
    ("own", "admin", "may"),
    [
        pytest.param(frozenset(), None, None, id="roles that are not told"),
        pytest.param(MEMBER, None, False, id="a member"),
        pytest.param(ADMINISTRATOR, None, True, id="an administrator in the project"),
        pytest.param(MEMBER, ADMINISTRATOR, True, id="an administrator beside a member"),
        pytest.param(MEMBER, MEMBER, None, id="somebody beside a member, of whom a policy may say so"),
    ],
)
def test_who_may_choose_addresses_on_networks_of_others_is_known_by_roles(cloud, own, admin, may):
    beside = None if admin is None else SimpleNamespace(roles=admin)
    assert restore_site.look(SimpleNamespace(site="remote", project_id="project", roles=own), 4, beside).may_choose is may


def test_an_administrator_sees_which_addresses_others_have_on_their_networks(cloud):
    there = [network("own", project_id="project"), network("shared", project_id="theirs"), network("ext", project_id="theirs", is_external=True)]
    there.append(network("both", project_id="theirs", is_external=True, is_shared=True))
    asked = []

    def ports_on(networks):
        asked.append(networks)
        return [shop.port("hidden", project_id="theirs"), shop.port("ours", project_id="project"), shop.port("theirs")]

    cloud.Networking.ports_on = ports_on
    found = restore_site.with_all_ports(None, dataclasses.replace(SITE, networks=tuple(there)))
    assert asked == [["both", "shared"]]
    assert ids(found.ports_of_others) == ["port-theirs", "port-hidden"]


# What names mean there

OWN, SHARED = {"project_id": "project"}, {"project_id": "theirs", "is_shared": True}


def network(network_id, **changes):
    return dataclasses.replace(shop.NETWORK, id=network_id, **changes)


def group(group_id, name="shop", **changes):
    return dataclasses.replace(shop.GROUP, id=group_id, name=name, **changes)


def site(**there):
    return shop.empty_site(project_id="project", **there)


def ids(found):
    return [one.id for one in found]


@pytest.mark.parametrize(
    ("there", "meant"),
    [
        pytest.param([network("shared", **SHARED), network("own", **OWN)], ["own"], id="one's own before what is shared"),
        pytest.param([network("a", **SHARED), network("b", **SHARED)], ["a", "b"], id="all that are shared, where there is no other"),
        pytest.param([network("ext", is_external=True, **OWN), network("shared", **SHARED)], ["shared"], id="no external one, where there is another"),
        pytest.param([network("ext", is_external=True)], ["ext"], id="an external one at last"),
        pytest.param([network("other", **OWN | {"name": "other"})], [], id="nothing"),
    ],
)
def test_networks_that_a_name_may_mean(there, meant):
    found = site(networks=tuple(there))
    assert ids(found.networks_called("shop-net")) == meant
    assert (found.network("shop-net") or shop.PUBLIC).id == (meant or ["ext"])[0]


TWINS = [network("own", **OWN), network("shared", **SHARED), network("ext", **SHARED | {"is_external": True}), network("own-ext", is_external=True, **OWN)]


@pytest.mark.parametrize(
    ("flags", "present", "meant"),
    [
        pytest.param({}, TWINS, ["own"], id="the application's own"),
        pytest.param({}, TWINS[1:], [], id="what others have is not the application's own"),
        pytest.param({"is_external": True}, TWINS, ["own-ext"], id="nor is an internal one that which is external"),
        pytest.param({"is_of_others": True}, TWINS, ["shared"], id="of others"),
        pytest.param({"is_of_others": True}, [TWINS[0], *TWINS[2:]], ["own"], id="one's own, where others have none"),
        pytest.param({"is_of_others": True}, TWINS[2:], [], id="an external one is none that others share"),
        pytest.param({"is_of_others": True, "is_external": True}, TWINS, ["ext"], id="an external one of others"),
        pytest.param({"is_of_others": True, "is_external": True}, TWINS[:2], [], id="what others share is no external one"),
    ],
)
def test_a_name_of_the_application_means_what_it_means_at_the_source(flags, present, meant):
    topology = shop.manifest().description.topology
    named = dataclasses.replace(topology, networks=tuple(dataclasses.replace(one, **flags) for one in topology.networks))
    found = site(networks=tuple(present)).in_terms_of(named)
    assert ids(found.networks_called("shop-net")) == meant
    mapped = tuple(MappedNetworkSpec(**vars(one)) for one in named.networks)
    by_mapping = site(networks=tuple(present)).in_terms_of(dataclasses.replace(topology, networks=mapped))
    assert by_mapping.networks_called("shop-net")[0].id == next((one.id for one in present if not one.is_external), "ext")


def test_the_applications_security_groups_are_none_of_others():
    found = site(security_groups=(group("theirs", project_id="theirs"), group("elsewhere", "other", project_id="theirs")))
    assert ids(found.security_groups_called("shop")) == ["theirs"]
    named = found.in_terms_of(shop.manifest().description.topology)
    assert (named.security_groups_called("shop"), named.security_group_id("other")) == ([], "elsewhere")
    assert named.group_names(shop.manifest().description.topology) == {"elsewhere": "other"}


def test_the_applications_address_groups_are_none_of_others():
    theirs = (AddressGroup("theirs", "shop", "theirs"), AddressGroup("elsewhere", "other", "theirs"))
    topology = dataclasses.replace(shop.manifest().description.topology, security_groups=(), address_groups=(AddressGroupSpec("shop", "", ()),))
    named = site(address_groups=theirs, security_groups=()).in_terms_of(topology)
    assert (named.address_groups_called("shop"), ids(named.address_groups_called("other"))) == ([], ["elsewhere"])
    assert named.group_names(topology) == {"elsewhere": "other"}


def test_external_networks_are_meant_by_their_names():
    found = site(networks=(network("own", name="public", **OWN), shop.PROVIDER, shop.PUBLIC))
    assert (found.external_network("public").id, found.external_network("provider").id, found.external_network("other")) == ("ext", "ext2", None)


def test_a_subnet_is_found_by_its_network_and_its_name():
    there = [dataclasses.replace(shop.SUBNET, id=f"{net}-{name}", network_id=net, name=name, **OWN) for net in ("n1", "n2") for name in ("a", "b")]
    theirs = dataclasses.replace(shop.SUBNET, id="theirs", network_id="n3", name="b", project_id="theirs")
    found = site(subnets=(*there, theirs))
    assert [found.subnet_id("n2", "b"), found.subnet_id("n3", "b"), found.subnet_id("n3", "a")] == ["n2-b", "theirs", None]
    assert ids(found.subnets_called("b", None)) == ["n1-b", "n2-b"]
    assert ids(found.subnets_called("b", network("n3", **SHARED))) == ["theirs"]
    assert ids(found.subnets_called("theirs", network("n3", **SHARED))) == ["theirs"]


def test_security_groups_are_ones_own_before_those_of_others():
    found = site(security_groups=(group("shared", **SHARED), group("own", **OWN), group("base", "base", **SHARED)))
    assert (found.security_group_id("shop"), found.security_group_id("base"), found.security_group_id("other")) == ("own", "base", None)
    assert found.own_security_group("shop").id == "own"
    assert found.own_security_group("base") is None


def test_rules_name_the_groups_that_these_names_mean():
    found = site(security_groups=(group("shared", **SHARED), group("own", **OWN), group("base", "base", **SHARED), group("app", "app", **SHARED)))
    assert found.group_names(described()) == {"own": "shop", "base": "base", "app": "app"}
    assert found.group_names(described("shop", "app")) == {"own": "shop", "base": "base"}


def test_rules_name_the_address_groups_that_these_names_mean():
    there = AddressGroup("theirs", "offices", "theirs"), AddressGroup("own", "offices", "project"), AddressGroup("shared", "partners", "theirs")
    found = site(address_groups=there, security_groups=())
    assert found.group_names(described()) == {"own": "offices", "shared": "partners"}
    assert found.group_names(dataclasses.replace(described(), address_groups=(AddressGroupSpec("partners", "", ()),))) == {"own": "offices"}
    assert (found.own_address_group("offices").id, found.own_address_group("partners")) == ("own", None)
    assert ids(found.address_groups_called("partners")) == ["shared"]


def described(*groups):
    topology = shop.manifest().description.topology
    return dataclasses.replace(topology, security_groups=tuple(dataclasses.replace(topology.security_groups[0], name=name) for name in groups))


def test_a_floating_address_is_that_of_the_port():
    found = shop.restored_site()
    assert {port.id: ids(found.floating_ips_of(port)) for port in found.ports} == {
        "port-router": [], "port-orders-db": ["fip-orders-db"], "port-shop-front": ["fip-shop-front"]
    }
    assert found.floating_ips_of(None) == []


def test_policies_and_pools_are_ones_own_before_those_of_others():
    policies = QosPolicy("theirs", "gold", "theirs"), QosPolicy("own", "gold", "project")
    found = site(qos_policies=policies, subnet_pools=(SubnetPool("pool", "pool"),))
    assert (found.qos_policy("gold").id, found.qos_policy("silver"), found.qos_policy(None)) == ("own", None, None)
    assert (found.subnet_pool("pool").id, found.subnet_pool(None)) == ("pool", None)
