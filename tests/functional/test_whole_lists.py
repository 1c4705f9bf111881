# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose Nova, Cinder and Barbican list 50 at once, as an operator may configure them: nothing of what is beyond that is missing."""

from __future__ import annotations

import contextlib

import laboratory
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.key_manager import KeyManager
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.neighbours import Neighbours
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import VolumeKey
from laboratory import cloud, unique, wait

pytestmark = pytest.mark.campaign

SITE = "remote"
PAGE, COUNT = 50, 120
#: Per service: the section and the option by which its operator bounds lists, and the port of its API.
BOUNDS = {"nova": ("api", "max_limit", 8774), "cinder": ("DEFAULT", "osapi_max_limit", 8776), "barbican": ("DEFAULT", "max_limit_paging", 9311)}


@contextlib.contextmanager
def listing_at_once(count):
    """The services of the site list no more than so many at once."""
    with contextlib.ExitStack() as stack:
        for service, bound in BOUNDS.items():
            stack.enter_context(_bounded(service, *bound, count))
        yield


@contextlib.contextmanager
def _bounded(service, section, option, port, count):
    config = laboratory.LAB_DIR / "sites" / SITE / f"root/etc/{service}/{service}.conf"
    before = config.read_text()
    assert option not in before

    def configure(content):
        config.write_text(content)
        laboratory.supervisor("restart", f"{service}-api", site=SITE)
        wait(f"{service} of {SITE}", lambda: laboratory.answers(f"http://{SITE}:{port}/"), 60)

    try:
        # A section may be there twice.
        configure(f"{before}\n[{section}]\n{option} = {count}\n")
        yield
    finally:
        configure(before)


@contextlib.contextmanager
def room_for_server_groups(count):
    """The project may have so many more than it has."""
    admin, project = cloud(f"{SITE}-admin"), cloud(SITE).current_project_id
    before = admin.get_compute_quotas(project).server_groups
    admin.set_compute_quotas(project, server_groups=-1)
    try:
        yield
    finally:
        admin.set_compute_quotas(project, server_groups=before)


@contextlib.contextmanager
def several(count, make, remove):
    """So many of a kind: their names, while they are there.

    :param make: takes a name, and returns what ``remove`` takes.
    """
    prefix = unique("page")
    with contextlib.ExitStack() as stack:
        names = [f"{prefix}-{number:03}" for number in range(count)]
        for name in names:
            stack.callback(remove, make(name))
        yield set(names)


def test_what_is_beyond_a_page_is_there(remote_site_alone):
    member, admin = connect({"cloud": SITE}), connect({"cloud": f"{SITE}-admin"})
    compute, storage, keys, cinder = Compute(member), BlockStorage(member), KeyManager(member), admin.connection.block_storage

    def server_group(name):
        return member.connection.compute.create_server_group(name=name, policy="anti-affinity").id

    with contextlib.ExitStack() as stack:
        stack.enter_context(room_for_server_groups(COUNT))
        groups = stack.enter_context(several(COUNT, server_group, compute.delete_server_group))
        types = stack.enter_context(several(COUNT, lambda name: cinder.create_type(name=name).id, cinder.delete_type))
        group_types = stack.enter_context(several(COUNT, lambda name: cinder.create_group_type(name=name).id, cinder.delete_group_type))
        secrets = stack.enter_context(several(COUNT, lambda name: keys.store(name, VolumeKey("aes", 256, bytes(32))), keys.delete))
        stack.enter_context(listing_at_once(PAGE))
        wait("the services", lambda: len(compute.flavors()) > 0, 60)
        # The bound is in force.
        answer = member.connection.compute.get("/os-server-groups").json()
        assert len(answer["server_groups"]) == PAGE
        assert groups <= {one.name for one in compute.server_groups()}
        assert types <= storage.volume_types().keys()
        assert group_types <= {one.name for one in storage.group_types()}
        assert secrets <= set(keys.names().values())
        assert secrets <= set(Neighbours(member).secret_names().values())
