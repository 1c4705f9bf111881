# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application as it is on the volumes of a checkpoint, and as it was before."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.roll_back_record import BEGUN, RollBackRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import ServerGroup
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import ServerGroupSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action
from ansible_collections.osdr.openstack.plugins.module_utils.rollback import states
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume

MANIFEST = shop.manifest()
BEFORE = MANIFEST.description
DATABASE, FRONT = BEFORE.servers
RECORD = RollBackRecord("back", "primary", "noon", "2026-11-22T14:30:00Z", BEGUN, BEFORE)


def with_servers(description, *servers):
    return dataclasses.replace(description, servers=servers)


def on_devices(server, *devices):
    """The server with volumes on these devices only."""
    return dataclasses.replace(server, volumes=tuple(dataclasses.replace(server.volumes[0], device=device) for device in devices))


def of_checkpoint(*servers):
    return dataclasses.replace(MANIFEST, description=with_servers(BEFORE, *servers))


def test_data_goes_back_and_servers_stay_as_they_are_now():
    now = with_servers(BEFORE, dataclasses.replace(DATABASE, description="changed"), FRONT)
    found = states.rolled_back(dataclasses.replace(RECORD, before=now), of_checkpoint(on_devices(DATABASE, "/dev/vdz"), FRONT))
    database, front = found.description.servers
    assert (database.description, [one.device for one in database.volumes], front) == ("changed", ["/dev/vdz"], FRONT)
    assert (found.beside, found.checkpoint) == ("back", MANIFEST.checkpoint)


def test_only_the_copies_of_what_comes_back_are_needed():
    found = states.rolled_back(dataclasses.replace(RECORD, before=with_servers(BEFORE, FRONT)), MANIFEST)
    assert {one.volume_id for one in found.copies} == {one.source_id for one in FRONT.volumes}
    assert states.rolled_back(RECORD, MANIFEST).copies == MANIFEST.copies


def test_the_state_before_is_the_application_on_its_own_volumes_under_a_name_of_its_own():
    found = states.as_before(RECORD)
    assert (found.description, found.beside) == (BEFORE, "back")
    point = found.checkpoint
    assert (point.id, point.created_at, point.site, point.consistency) == ("before-back", RECORD.since, "primary", "offline")
    assert [(one.volume_id, one.size, one.chain) for one in found.copies] == [(one.source_id, one.size, ()) for one in BEFORE.volumes]
    assert (point.server_consistency, point.evidence) == (dict.fromkeys((DATABASE.name, FRONT.name), "offline"), {})


def test_both_states_are_known_by_marks_that_no_restore_has():
    assert states.owner_after(RECORD) == Mark("shop", "noon", apart="back")
    assert states.owner_before(RECORD) == Mark("shop", "before-back", apart="back")


def test_the_way_back_makes_no_volume_and_says_which_are_gone():
    first, *others = BEFORE.volumes
    site = shop.prepared_site(volumes=tuple(volume(one.name, id=one.source_id) for one in others))
    steps = states.plan_before(RECORD, site).volumes
    assert {step.action for step in steps} == {Action.KEEP}
    assert [step.spec for step in steps] == [first, *others]
    assert [step.current and step.current.id for step in steps] == [None, *(one.source_id for one in others)]
    assert [step.mark.apart for step in steps] == ["back"] * len(steps)


def test_a_volume_without_a_name_is_known_by_its_id():
    nameless = dataclasses.replace(DATABASE, volumes=(dataclasses.replace(DATABASE.volumes[0], name=""),))
    (step,) = states.plan_before(dataclasses.replace(RECORD, before=with_servers(BEFORE, nameless)), shop.prepared_site()).volumes
    assert nameless.volumes[0].source_id in step.label


# What an operator should know


def test_a_server_that_the_checkpoint_lacks_is_a_gap_and_one_that_it_has_beside_is_told():
    assert states.gaps(BEFORE, MANIFEST) == []
    (gap,) = states.gaps(BEFORE, of_checkpoint(FRONT))
    assert gap.startswith(f"Server '{DATABASE.name}' is not in checkpoint 'noon'")
    (told,) = states.differences(with_servers(BEFORE, FRONT), MANIFEST)
    assert told.startswith(f"Server '{DATABASE.name}' of checkpoint 'noon' is not part of the application now")


def test_volumes_that_came_and_went_are_told():
    assert states.differences(BEFORE, MANIFEST) == []
    came, went = states.differences(with_servers(BEFORE, on_devices(FRONT, "/dev/vda", "/dev/vdc")), of_checkpoint(on_devices(FRONT, "/dev/vda", "/dev/vdb")))
    assert came.startswith(f"Volume /dev/vdc of server '{FRONT.name}' was attached after the checkpoint")
    assert went.startswith(f"Volume /dev/vdb of server '{FRONT.name}' was detached after the checkpoint")


def test_a_definition_that_names_ids_will_no_longer_be_true():
    application = dataclasses.replace(BEFORE.application, tiers=tuple(dataclasses.replace(one, servers=(one.servers[0],)) for one in BEFORE.application.tiers))
    assert states.named_by_ids(application, BEFORE) == []
    by_id = Application("shop", (dataclasses.replace(application.tiers[0], servers=(DATABASE.source_id, FRONT.source_id)),))
    (told,) = states.named_by_ids(by_id, BEFORE)
    assert told.endswith(f"{', '.join(sorted((DATABASE.source_id, FRONT.source_id)))}.")


# As it is at its own site


def test_server_groups_have_the_names_that_they_have_at_the_site():
    described = dataclasses.replace(
        with_servers(BEFORE, dataclasses.replace(DATABASE, server_group="captured"), FRONT),
        topology=dataclasses.replace(BEFORE.topology, server_groups=(ServerGroupSpec("captured", "anti-affinity"), ServerGroupSpec("other", "affinity"))),
    )
    groups = [ServerGroup("group", "apart", "anti-affinity", member_ids=frozenset({DATABASE.source_id})), ServerGroup("empty", "nobodys", "affinity")]
    found = states.in_place(described, groups)
    assert [one.server_group for one in found.servers] == ["apart", FRONT.server_group]
    assert [one.name for one in found.topology.server_groups] == ["apart", "other"]
    assert states.in_place(BEFORE, []) == BEFORE


def test_checks_are_those_that_the_operator_gives_and_tiers_those_that_it_began_with():
    bare = dataclasses.replace(BEFORE.application, tiers=tuple(dataclasses.replace(one, checks=()) for one in BEFORE.application.tiers))
    assert states.checked_as(BEFORE, bare).application == bare
    swapped = dataclasses.replace(bare, tiers=bare.tiers[::-1])
    with pytest.raises(InvalidInput, match="began with the tiers"):
        states.checked_as(BEFORE, swapped)
