# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.restore import site as restore_site
from ansible_collections.osdr.openstack.tests.unit.support import shop

SITE = shop.restored_site(project_id="project", ports_of_others=(shop.port("theirs"),))
CLOUD = SimpleNamespace(site="remote", project_id="project")


@pytest.fixture
def cloud(monkeypatch):
    """A site whose services can be made to fail."""
    kinds = ("ports", "ports_of_others", "floating_ips", "networks", "subnets", "routers", "security_groups")
    services = {
        "Compute": SimpleNamespace(
            servers=lambda: list(SITE.servers),
            flavors=lambda: list(SITE.flavors),
            key_pairs=lambda: SITE.key_pairs,
            server_groups=lambda: list(SITE.server_groups),
        ),
        "BlockStorage": SimpleNamespace(volumes=lambda: list(SITE.volumes)),
        "Networking": SimpleNamespace(**{kind: lambda kind=kind: list(getattr(SITE, kind)) for kind in kinds}),
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
    with pytest.raises(DrError, match="2 of 12 operations failed: No volumes. No key pairs."):
        restore_site.look(CLOUD, 4)
