# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether encrypted volumes can be restored is known before the first change, and nothing is left of what they were restored by."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import twins
from ansible_collections.osdr.openstack.plugins.module_utils.copies.own_backups import OwnBackups
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import Encryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Opener
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job, sealed
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import MadeVolumes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sealed import Means
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action, plan_volumes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volumes import VolumeRestore
from ansible_collections.osdr.openstack.tests.unit.support import sealing, shop
from ansible_collections.osdr.openstack.tests.unit.support.encrypted_site import FULL, INCREMENT, VOLUME, EncryptedSite, prefix, sealed_copy
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume

LUKS = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256}
CLOUD = SimpleNamespace(site="remote")


def manifest():
    """The shop's, of which the first volume is encrypted."""
    document = shop.document()
    (encrypted,) = (one for server in document["servers"] for one in server["volumes"] if one["source_id"] == VOLUME)
    encrypted |= {"encryption": LUKS, "volume_type": "ceph-encrypted"}
    found = Manifest.parse(document)
    return dataclasses.replace(found, copies=(sealed_copy(), *(copy for copy in found.copies if copy.volume_id != VOLUME)))


STEPS = plan_volumes(manifest(), ())
(SEALED,) = (step for step in STEPS if step.copy.key)
LABEL = SEALED.label


class Types:
    """What Cinder tells administrators of types."""

    told: Encryption | None = Encryption(**LUKS)
    status: int | None = None

    def __init__(self, _cloud):
        pass

    def of_type(self, type_id):
        assert type_id == "type-of-the-remote"
        if self.status:
            raise CloudError("Not for you.", http_status=self.status)
        return self.told


@pytest.fixture
def site(monkeypatch):
    found = EncryptedSite()
    monkeypatch.setattr(twins, "KeyManager", lambda cloud: cloud.keys)
    monkeypatch.setattr(Means, "site", lambda _means, _cloud: found.site)
    monkeypatch.setattr(sealed, "VolumeEncryption", Types)
    return found


def check(steps=None, private=None):
    return sealed.check(STEPS if steps is None else steps, Means(Opener(private or sealing.pair()[0])), CLOUD)


def test_with_all_that_it_takes_there_is_no_problem(site):
    assert check() == ([], [])
    assert (site.calls, site.twins, site.keys.by_id) == ([], {}, {})


def test_without_encrypted_volumes_nothing_is_asked():
    plain = plan_volumes(shop.manifest(), ())
    assert sealed.check(plain, Means(), CLOUD) == ([], [])
    assert sealed.check(plain, Means(Opener(sealing.pair()[0])), CLOUD) == ([], [])


def test_without_the_private_key_it_is_a_problem(site):
    (problem,), doubts = sealed.check(STEPS, Means(), CLOUD)
    assert (problem.startswith(f"Volume {LABEL} is encrypted, and its key is sealed"), doubts) == (True, [])
    assert "site 'remote' does not have the key of its backup" in problem
    assert "Give volume_private_key" in problem


@pytest.mark.parametrize("private", [None, sealing.pair(2)[0]], ids=["no private key", "another one"])
def test_a_backup_of_its_own_needs_no_private_key_no_administrator_and_no_room(site, private):
    site.made_here()
    site.may_import, site.quota = lambda: False, 0
    assert sealed.check(STEPS, Means(Opener(private) if private else None), CLOUD) == ([], [])


def test_what_is_restored_already_needs_no_key():
    done = [dataclasses.replace(step, action=Action.KEEP) for step in STEPS]
    assert sealed.check(done, Means(), CLOUD) == ([], [])


def test_a_wrong_private_key_is_a_problem(site):
    (problem,), _doubts = check(private=sealing.pair(2)[0])
    assert problem.startswith(f"Volume {LABEL}: The key of volume") and "was sealed for another private key" in problem


def _no_key_manager(site):
    site.keys.exists = False


def _refused(*_arguments):
    raise CloudError("Site 'remote' could not do that: no.", "The credentials lack the permission for it.", http_status=403)


def _no_access_to_keys(site):
    site.keys.check_access = _refused


def _no_import(site):
    site.may_import = lambda: False


def _no_backup_service(site):
    site.may_import = _refused


def _no_store(site):
    site.store.check_access = _refused


def _another_account(site):
    site.store.content.clear()


def _another_driver(site):
    for fields in site.fields.values():
        fields["service_metadata"] = None


def _small_quota(site):
    site.quota = 1


def _plain_type(_site):
    Types.told = None


def _another_cipher(_site):
    Types.told = dataclasses.replace(Types.told, key_size=512)


@pytest.mark.parametrize(
    ("spoil", "expected", "remedy"),
    [
        (_no_key_manager, "Site 'remote' has no key manager", "encrypted volumes cannot be restored there"),
        (_no_access_to_keys, "could not do that: no.", "by the role 'creator'"),
        (_no_import, "may not import records of backups on site 'remote'", "Give import_cloud: an administrator"),
        (_no_backup_service, "could not do that: no.", "A running backup service is needed"),
        (_no_store, "could not do that: no.", "Give store_cloud: the account"),
        (_another_account, f"has no object backups/{prefix(FULL)}_metadata", "Give the account that the site's backup service uses"),
        (_another_driver, f"backup {INCREMENT} is not in Swift", "restored from there only"),
        (_small_quota, "The quota 'backups' of the project on site 'remote' is 1 too small: 2 more", "Raise it"),
        (_plain_type, "the volumes of type 'ceph-encrypted' at site 'remote' are not encrypted", "name one in a mapping"),
        (_another_cipher, "are encrypted differently (luks, aes-xts-plain64, 512 bits)", "Create a type"),
    ],
)
def test_what_is_not_there_is_a_problem_with_a_remedy(site, monkeypatch, spoil, expected, remedy):
    monkeypatch.setattr(Types, "told", Encryption(**LUKS))
    spoil(site)
    problems, doubts = check()
    assert [one for one in problems if expected in one and remedy in one] and doubts == []


def test_all_that_a_site_lacks_is_told_at_once(site):
    for spoil in (_no_key_manager, _no_import, _no_store, _small_quota):
        spoil(site)
    problems, doubts = check()
    lacks = ["has no key manager", "may not import records of backups", "Give store_cloud: the account", "quota 'backups'", "quota 'backup_gigabytes'"]
    assert [[lack for lack in lacks if lack in one] for one in problems] == [[lack] for lack in lacks] and doubts == []


def test_where_nobody_tells_how_a_type_encrypts_it_is_a_doubt(site, monkeypatch):
    monkeypatch.setattr(Types, "status", 403)
    problems, (doubt,) = check()
    assert problems == [] and "Give import_cloud to check it" in doubt
    monkeypatch.setattr(Types, "status", 500)
    with pytest.raises(CloudError, match="Not for you"):
        check()


def test_a_type_that_is_not_there_is_reported_by_others(site, monkeypatch):
    monkeypatch.setattr(site, "volume_types", dict)
    assert check() == ([], [])


# Restoring


class Restoring(EncryptedSite):
    """Volumes are ready at once."""

    def __init__(self):
        super().__init__()
        self.there, self.made_from = {}, []

    def volumes(self):
        return list(self.there.values())

    def create_volume_from_backup(self, backup_id, wanted):
        self.made_from.append(backup_id)
        one = volume(wanted["name"], status="available", description=wanted["description"], metadata={}, bootable=True)
        self.there[one.id] = one

    def create_empty_volume(self, wanted):
        one = volume(wanted["name"], status="available", description=wanted["description"], metadata={}, bootable=True)
        self.there[one.id] = one

    def restore_backup(self, backup_id, _volume_id):
        self.made_from.append(backup_id)

    def describe_volume(self, volume_id, name, description):
        self.there[volume_id] = dataclasses.replace(self.there[volume_id], name=name, description=description)

    def set_volume_metadata(self, volume_id, metadata):
        self.there[volume_id] = dataclasses.replace(self.there[volume_id], metadata=metadata)

    def set_volume_bootable(self, _volume_id, _is_bootable):
        pass


@pytest.fixture
def restoring(site):
    found = Restoring()
    found.cloud.keys = found.keys
    return found


def restore(storage, opener=True):
    made = twins.Twins(storage.site, Opener(sealing.pair()[0]), storage.waiter, 1) if opener else None
    return VolumeRestore(storage, manifest(), storage.waiter, 1, sealed.Unlocking(OwnBackups(storage.site), made))


def test_an_encrypted_volume_is_restored_from_its_twin_of_which_nothing_is_left(restoring):
    work = restore(restoring)
    work.finish(work.plan())
    twin = twins.twin_id(SEALED.mark, INCREMENT)
    assert restoring.made_from == [twin if step is SEALED else step.copy.copy_id for step in STEPS]
    assert (restoring.twins, restoring.keys.by_id, restoring.keys.stored) == ({}, {}, 1)


@pytest.mark.parametrize("opener", [False, True], ids=["no private key", "private key"])
def test_a_backup_of_its_own_is_restored_as_it_is(restoring, opener):
    restoring.made_here()
    work = restore(restoring, opener)
    work.finish(work.plan())
    assert restoring.made_from == [step.copy.copy_id for step in STEPS]
    assert (restoring.calls, restoring.keys.stored) == ([], 0)


def test_only_what_has_encrypted_volumes_needs_anything_for_them(site):
    assert Means().unlocking(CLOUD, shop.manifest(), site.waiter, 1) is None
    problems = Means().unlocking(CLOUD, manifest(), site.waiter, 1).problems(STEPS)
    assert [LABEL in one for one in problems] == [True]
    assert Means(Opener(sealing.pair()[0])).unlocking(CLOUD, manifest(), site.waiter, 1).problems(STEPS) == []


def test_a_second_run_changes_nothing_and_needs_no_key(restoring):
    work = restore(restoring)
    work.finish(work.plan())
    calls = list(restoring.calls)
    again = restore(restoring, opener=False)
    again.finish(again.plan())
    assert restoring.calls == calls and len(restoring.made_from) == len(STEPS)


@pytest.mark.parametrize("begin", [lambda work: work.plan(), lambda work: work.work(STEPS)], ids=["volumes alone", "with the servers"])
def test_without_the_key_nothing_is_restored(restoring, begin):
    with pytest.raises(CheckFailed, match="Give volume_private_key"):
        begin(restore(restoring, opener=False))
    assert restoring.made_from == []


def made(storage):
    return MadeVolumes(storage, owner_of(manifest()), storage.waiter, 1)


def test_what_an_interrupted_run_left_is_removed_with_the_volumes(restoring):
    restore(restoring)._start(SEALED)
    (empty,) = restoring.volumes()
    restore(restoring)._fill(dataclasses.replace(SEALED, action=Action.FILL, current=empty))
    assert restoring.twins and restoring.keys.by_id
    told = job.remove_volumes(made(restoring), check_mode=True)
    assert (told["changed"], sorted(told["diff"]["before"])) == (True, ["backups", "keys", "volumes"])
    restoring.there.clear()
    assert job.remove_volumes(made(restoring), check_mode=False)["changed"]
    assert (restoring.twins, restoring.keys.by_id) == ({}, {})
