# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.record_import import RecordImport
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import TwoSites, link
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

ID = "backup-db"


class Importing(TwoSites):
    """A remote site that is to know one backup.

    :param there: what it knows already under its id.
    """

    def __init__(self, there=None, failing=(), **record):
        super().__init__(failing=failing)
        self.link = link("db", **record)
        if there is not None:
            self.remote.hold("db", **there)

    def ensure(self):
        return RecordImport(self.sites, self.waiter, self.link).ensure()


def test_a_record_is_imported_once():
    site = Importing()
    assert (site.ensure(), site.ensure()) == (1, 0)
    assert site.remote.called("import_record") == [[ID]]
    assert site.remote.backup(ID).status == "available"


@pytest.mark.parametrize("status", ["available", "restoring"])
def test_what_is_known_and_usable_is_left_as_it_is(status):
    site = Importing({"status": status})
    assert site.ensure() == 0
    assert site.remote.calls == []


@pytest.mark.parametrize(
    ("record", "status"),
    [
        pytest.param({"parent": "older"}, "available", id="its parent"),
        pytest.param({"container": "elsewhere"}, "available", id="its container"),
        pytest.param({"service_metadata": "elsewhere"}, "available", id="its objects"),
        pytest.param({"service": "cinder.backup.drivers.nfs.NFSBackupDriver"}, "available", id="its driver"),
        pytest.param({"parent": "older"}, "restoring", id="its parent, as far as one sees during a restore"),
        pytest.param({"container": "elsewhere"}, "restoring", id="its container during a restore"),
    ],
)
def test_another_backup_under_this_id_is_neither_used_nor_touched(record, status):
    site = Importing({"status": status}, **record)
    with pytest.raises(ResourceFailed, match=f"Site 'remote' has another backup with id {ID}") as raised:
        site.ensure()
    # Else it would be tried again and again, as if it could pass.
    assert not isinstance(raised.value, CloudError)
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "backup", "resource_id": ID}
    assert site.remote.calls == []


def test_an_increment_that_is_being_restored_is_known_by_what_is_seen_of_it():
    site = Importing({"status": "restoring", "is_incremental": True}, parent="older")
    assert site.ensure() == 0


def test_one_of_another_driver_that_is_being_restored_has_no_container_to_compare():
    site = Importing({"status": "restoring", "container": "share"}, service="cinder.backup.drivers.nfs.NFSBackupDriver")
    assert site.ensure() == 0


def test_a_broken_record_is_removed_and_imported_anew():
    site = Importing({"status": "error", "container": ""})
    assert site.ensure() == 1
    assert site.remote.calls == [("delete_backup", ID, True), ("import_record", ID)]
    assert site.remote.backup(ID).status == "available"


def test_a_failed_backup_that_has_objects_is_never_removed():
    site = Importing({"status": "error", "fail_reason": "Lost"})
    with pytest.raises(ResourceFailed, match=f"could not import the record of backup {ID}: Lost"):
        site.ensure()
    assert site.remote.calls == []


def test_an_import_under_way_is_waited_for():
    site = Importing({"status": "creating", "container": ""})
    site.remote._later(site.remote.by_id, ID, status="available", container="backups")
    site.ensure()
    assert site.remote.called("import_record") == []


def test_an_import_that_fails_is_told_in_cinders_own_words():
    site = Importing(failing=["import"])
    with pytest.raises(ResourceFailed, match=f"could not import the record of backup {ID}: No such driver. Its backup service must") as raised:
        site.ensure()
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "backup", "resource_id": ID}


def test_an_import_that_vanishes_is_told():
    site = Importing()
    site.remote.import_record = lambda record: ID
    with pytest.raises(ResourceFailed, match=f"could not import the record of backup {ID}. Its"):
        site.ensure()


def test_an_import_that_nobody_carries_out_is_forgotten():
    site = Importing({"status": "creating", "container": ""})
    with pytest.raises(WaitTimeout, match=f"site 'remote' to import backup {ID}"):
        site.ensure()
    assert site.remote.calls == [("delete_backup", ID, True)]
    assert site.remote.backup(ID) is None


def test_one_that_is_late_but_has_its_objects_is_kept():
    site = Importing({"status": "creating"})
    with pytest.raises(WaitTimeout, match="to import"):
        site.ensure()
    assert site.remote.calls == []


def test_a_record_that_is_not_forgotten_is_told():
    site = Importing()
    site.remote.by_id[ID] = backup("db", status="error", container="")
    site.remote.delete_backup = lambda backup_id, force: None
    with pytest.raises(WaitTimeout, match=f"site 'remote' to forget the broken record of backup {ID}"):
        site.ensure()
    assert site.remote.called("import_record") == []
