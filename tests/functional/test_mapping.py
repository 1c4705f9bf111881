# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores where things have other names, and addresses must be others: what a mapping says is what there is afterwards."""

from __future__ import annotations

import copies
import pytest
import yaml
from laboratory import Guest, cloud, module, playbook, wait

pytestmark = pytest.mark.campaign

CHANGED = "changed=0 "


@pytest.fixture(scope="module")
def several_addresses(application):
    """The port of the server has a second address. It sorts behind the first, so that DHCP goes on giving the guest that one."""
    network = cloud("primary").network
    (port,) = network.ports(device_id=cloud("primary").compute.find_server(copies.SERVER, ignore_missing=False).id)
    first = port.fixed_ips
    network.update_port(port.id, fixed_ips=[*first, {"subnet_id": first[0]["subnet_id"], "ip_address": "10.10.0.91"}])
    yield
    network.update_port(port.id, fixed_ips=first)


@pytest.fixture(scope="module")
def protected(several_addresses):
    with copies.published() as made:
        yield made


@pytest.fixture
def manifest(protected):
    chosen = module("os_checkpoint_info", cloud="remote", application=protected.name, require=True, with_manifest=True)
    yield chosen["manifest"]
    for what in ("servers", "volumes"):
        removed = module(f"os_restore_{what}", cloud="remote", application=protected.name, checkpoint=chosen["checkpoint"]["id"], state="absent")
        assert "msg" not in removed, removed["msg"]
    remove_networks()


def remove_networks():
    """What the restore made besides, which stays by itself because others may use it by then."""
    remote = cloud("remote")
    router = remote.network.find_router("moved-router")
    for port in remote.network.ports(device_id=router.id) if router else ():
        remote.network.remove_interface_from_router(router, port_id=port.id)
    for delete, name in (
        (remote.delete_router, "moved-router"),
        (remote.delete_network, "moved-net"),
        (remote.delete_security_group, "moved"),
    ):
        delete(name)


def restore(protected, mapping, *options):
    variables = {"dr_restore_cloud": "remote", "dr_restore_application": protected.name, "dr_restore_mapping": mapping}
    return playbook("restore", *options, **variables)


def the_port(server_id):
    (port,) = cloud("remote").network.ports(device_id=server_id)
    return port


def restored(protected):
    """The restored server; another one of its name may be there, of whatever else was restored."""
    (server,) = [one for one in cloud("remote").compute.servers() if one.metadata.get("osdr_application") == protected.name]
    return server


def test_a_subnet_moves_with_all_that_is_in_it(protected, manifest):
    mapping = {**copies.ELSEWHERE, "addresses": {"policy": "remap"}}
    foreseen = restore(protected, mapping, "--check", "--diff")
    assert foreseen.returncode == 0, foreseen.stdout
    assert not cloud("remote").network.find_network("moved-net")
    done = restore(protected, mapping)
    assert done.returncode == 0, done.stdout
    (source,) = manifest["servers"][0]["ports"]
    port = the_port(restored(protected).id)
    moved = [one["ip_address"].replace("10.10.0.", "10.77.0.") for one in source["fixed_ips"]]
    assert len(moved) == 2
    assert sorted(one["ip_address"] for one in port.fixed_ips) == sorted(moved)
    assert [one.fixed_ip_address for one in cloud("remote").network.ips(port_id=port.id)] == moved[:1]
    assert port.mac_address == source["mac_address"]
    assert cloud("remote").network.find_subnet("moved-subnet").gateway_ip == "10.77.0.1"
    guest = Guest(restored(protected))
    # It got its new address, through the new router and by the rules of the new group.
    wait("the server at its floating address", lambda: "10.77.0." in guest.run("ip address"), 120, 3)
    again = restore(protected, mapping)
    assert again.returncode == 0 and CHANGED in again.stdout, again.stdout


def test_addresses_may_be_new_ones_and_are_known_again(protected, manifest):
    mapping = {**copies.ELSEWHERE, "addresses": {"policy": "new", "floating": False}}
    done = restore(protected, mapping)
    assert done.returncode == 0, done.stdout
    (source,) = manifest["servers"][0]["ports"]
    port = the_port(restored(protected).id)
    assert port.mac_address != source["mac_address"]
    assert [one["ip_address"].startswith("10.77.0.") for one in port.fixed_ips] == [True, True]
    assert not list(cloud("remote").network.ips(port_id=port.id))
    again = restore(protected, mapping)
    assert again.returncode == 0 and CHANGED in again.stdout, again.stdout
    assert the_port(restored(protected).id).id == port.id


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_made(protected, manifest):
    mapping = {
        "schema_version": 1,
        "networks": {"shop-net": "nowhere"},
        "flavors": {"lab.small": "nothing"},
        "subnets": {"shop-subnet": {"name": "moved-subnet", "make": True, "cidr": "10.77.0.0/30"}},
        "addresses": {"policy": "remap"},
    }
    done = restore(protected, mapping)
    assert done.returncode != 0
    for part in ("nowhere", "nothing", "10.77.0.0/30"):
        assert part in done.stdout, done.stdout
    remote = cloud("remote")
    assert not [one for one in remote.compute.servers() if one.metadata.get("osdr_application") == protected.name]
    assert not [one for one in remote.block_storage.volumes() if one.metadata.get("osdr_application") == protected.name]


def test_a_mapping_is_proposed_once_and_then_watched(protected, manifest, tmp_path):
    file = tmp_path / "mapping.yml"
    variables = {"dr_mapping_cloud": "remote", "dr_mapping_application": protected.name, "dr_mapping_file": str(file)}
    foreseen = playbook("mapping", "--check", "--diff", **variables)
    assert "shop-net" in foreseen.stdout and not file.exists()
    assert playbook("mapping", **variables).returncode == 0
    proposed = yaml.safe_load(file.read_text())
    assert proposed["networks"] == {"shop-net": "shop-net"}
    again = playbook("mapping", **variables)
    assert again.returncode == 0 and CHANGED in again.stdout, again.stdout
    file.write_text(yaml.safe_dump({**proposed, "flavors": {"lab.small": "gone"}}))
    drifted = playbook("mapping", **variables)
    assert drifted.returncode != 0 and "gone" in drifted.stdout, drifted.stdout
