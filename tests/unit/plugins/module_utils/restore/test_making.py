# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.restore.making import Maker
from ansible_collections.osdr.openstack.plugins.module_utils.restore.wishes import Wishes
from ansible_collections.osdr.openstack.tests.unit.support import shop

WISHES = Wishes({"binding_profile": {}, "dns_name": "www", "ha": True}, {"binding_profile": "binding:profile", "dns_name": "dns_name", "ha": "ha"})


class Neutron:
    """Refuses what a body has, each with its words."""

    def __init__(self, **refused):
        self.refused, self.bodies = refused, []

    def create(self, body):
        self.bodies.append(sorted(body))
        for key, (status, words) in self.refused.items():
            if key in body:
                raise CloudError(words, http_status=status)
        return "made"


def made(neutron, wishes=WISHES):
    maker = Maker(neutron, shop.empty_site())
    assert maker.make("The port", neutron.create, {"name": "x"}, wishes) == "made"
    return [one.split(" is without ")[1].split(",")[0] for one in maker.warnings]


def test_what_nobody_refuses_is_made_at_once():
    neutron = Neutron()
    assert (made(neutron), len(neutron.bodies)) == ([], 1)


@pytest.mark.parametrize(
    ("key", "status", "words", "lost"),
    [
        ("binding_profile", 403, "((rule:create_port and rule:create_port:binding:profile)) is disallowed by policy", "binding:profile"),
        ("dns_name", 400, "Unrecognized attribute(s) 'dns_name'", "dns_name"),
        ("ha", 403, "(rule:create_router:ha) is disallowed by policy", "ha"),
    ],
)
def test_what_a_refusal_names_is_left_out_alone(key, status, words, lost):
    neutron = Neutron(**{key: (status, words)})
    assert (made(neutron), len(neutron.bodies)) == ([lost], 2)
    assert key not in neutron.bodies[1]
    assert len(neutron.bodies[1]) == 3


def test_where_a_refusal_names_nothing_all_is_left_out():
    """The word that is not the attribute's name is in many others."""
    neutron = Neutron(ha=(409, "What has that?"))
    assert (made(neutron), neutron.bodies[1]) == (["binding:profile"], ["name"])


@pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
def test_what_is_no_refusal_of_an_attribute_is_a_failure(status):
    with pytest.raises(CloudError, match="Later"):
        made(Neutron(name=(status, "Later.")))


def test_what_is_refused_without_wishes_is_a_failure():
    with pytest.raises(CloudError, match="Never"):
        made(Neutron(name=(403, "Never.")))
    with pytest.raises(CloudError, match="Never"):
        made(Neutron(name=(403, "Never.")), Wishes({}))
