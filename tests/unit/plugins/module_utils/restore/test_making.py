# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.restore.making import Maker
from ansible_collections.osdr.openstack.plugins.module_utils.restore.wishes import Fallback, Wishes
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
        ("dns_name", 404, "The resource of dns_name could not be found.", "dns_name"),
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


def test_what_is_left_out_is_told_with_the_words_of_the_refusal():
    maker = Maker(None, shop.empty_site())
    neutron = Neutron(ha=(409, "What has that?"))
    maker.make("The port", neutron.create, {}, WISHES)
    assert maker.warnings == ["The port at site 'remote' is without binding:profile, dns_name, ha, which the site refuses: What has that?"]


def test_what_is_refused_by_the_name_of_one_of_its_parts_is_left_out_as_a_whole():
    neutron = Neutron(gateway=(403, "rule:create_router:gateway:enable_snat is disallowed by policy"))
    wishes = Wishes({"gateway": {}, "ha": True}, {"gateway": "qos_policy_id, enable_snat", "ha": "ha"})
    assert (made(neutron, wishes), neutron.bodies[1]) == (["qos_policy_id"], ["ha", "name"])


def test_one_refusal_after_the_other():
    neutron = Neutron(ha=(403, "Not ha."), dns_name=(400, "Not dns_name."))
    assert (made(neutron), neutron.bodies[-1]) == (["ha", "dns_name"], ["binding_profile", "name"])


class Policies(Neutron):
    """Forbids what a body has, and names with it all that the body has besides, as Neutron does."""

    def create(self, body):
        self.bodies.append(sorted(body))
        if self.refused.keys() & body.keys():
            raise CloudError("(" + " and ".join(f"rule:create_port:{NAMES[key]}" for key in body if key in NAMES) + ") is disallowed", http_status=403)
        return "made"


NAMES = {**WISHES.names, "mac": "mac_address"}
FIRM = Wishes({"mac": "fa:16:3e:00:00:01", **WISHES.body}, NAMES, firm=frozenset({"mac"}))


@pytest.mark.parametrize("forbidden", NAMES)
def test_of_several_that_a_policy_is_told_with_only_the_forbidden_one_is_left_out(forbidden):
    neutron = Policies(**{forbidden: None})
    assert made(neutron, FIRM) == [NAMES[forbidden]]
    assert {*neutron.bodies[-1]} == {"name", *NAMES} - {forbidden}


def test_several_that_policies_forbid_are_left_out_together():
    neutron = Policies(ha=None, mac=None)
    made(neutron, FIRM)
    assert neutron.bodies[-1] == ["name"]


GROUPED = Wishes(
    {"secured": True, "groups": ["Web"], "ha": True, "dns_name": "www"},
    {"secured": "port_security_enabled", "groups": "security_groups", "ha": "ha", "dns_name": "dns_name"},
    firm=frozenset({"secured"}),
    fallbacks={"secured": Fallback(frozenset({"groups"}), {"is_up": False}, "is switched off")},
)


@pytest.mark.parametrize(
    ("wishes", "forbidden", "kept"),
    [
        pytest.param(FIRM, ("ha", "dns_name"), ["mac", "name"], id="what is firm"),
        pytest.param(GROUPED, ("ha", "dns_name"), ["groups", "name", "secured"], id="and what depends on it"),
        pytest.param(GROUPED, ("ha", "secured"), ["is_up", "name"], id="unless it is forbidden as well"),
    ],
)
def test_of_several_that_policies_forbid_what_is_firm_stays(wishes, forbidden, kept):
    def create(body):
        neutron.bodies.append(sorted(body))
        if {*forbidden} & body.keys():
            told = " and ".join(f"rule:create_port:{wishes.names[key]}" for key in body if key in wishes.names)
            raise CloudError(f"({told}) is disallowed", http_status=403)
        return "made"

    neutron = Neutron()
    Maker(neutron, shop.empty_site()).make("The port", create, {"name": "x"}, wishes)
    assert neutron.bodies[-1] == kept


@pytest.mark.parametrize("status", [400, 404, 409])
def test_nothing_is_made_without_what_is_firm_unless_a_policy_forbids_it(status):
    with pytest.raises(CloudError, match="in use"):
        made(Neutron(mac=(status, "mac_address fa:16:3e:00:00:01 is in use")), FIRM)
    assert made(Neutron(mac=(403, "rule:create_port:mac_address is disallowed by policy")), FIRM) == ["mac_address"]


def test_what_is_firm_goes_last_where_a_policy_is_not_told():
    neutron = Neutron(mac=(403, "Forbidden"))
    maker = Maker(neutron, shop.empty_site())
    maker.make("The port", neutron.create, {"name": "x"}, FIRM)
    assert [one.split(" is without ")[1].split(",")[0] for one in maker.warnings] == ["binding:profile", "mac_address"]


def test_a_failure_in_between_is_one():
    neutron = Neutron(ha=(403, "rule:ha and rule:dns_name"))
    real = neutron.create

    def create(body):
        if "ha" in body and "dns_name" not in body:
            raise CloudError("Later", http_status=503)
        return real(body)

    with pytest.raises(CloudError, match="Later"):
        Maker(neutron, shop.empty_site()).make("The port", create, {}, WISHES)


def test_what_is_not_made_in_the_end_lacks_nothing():
    maker, neutron = Maker(None, shop.empty_site()), Neutron(name=(409, "Quota exceeded"))
    with pytest.raises(CloudError, match="Quota"):
        maker.make("The port", neutron.create, {"name": "x"}, WISHES)
    assert maker.warnings == []


@pytest.mark.parametrize(("extensions", "tagged"), [(shop.EXTENSIONS, [("ports", "port", ["gold"])]), (frozenset(), [])])
def test_tags_are_set_where_a_site_has_them(extensions, tagged):
    there = []
    network = SimpleNamespace(set_tags=lambda *tags: there.append(tags))
    Maker(network, shop.empty_site(extensions=extensions)).tag("Port 1", "ports", "port", ["gold"])
    assert there == tagged


@pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
def test_what_is_no_refusal_of_an_attribute_is_a_failure(status):
    with pytest.raises(CloudError, match="Later"):
        made(Neutron(name=(status, "Later.")))


def test_what_is_refused_without_wishes_is_a_failure():
    with pytest.raises(CloudError, match="Never"):
        made(Neutron(name=(403, "Never.")))
    with pytest.raises(CloudError, match="Never"):
        made(Neutron(name=(403, "Never.")), Wishes({}))
