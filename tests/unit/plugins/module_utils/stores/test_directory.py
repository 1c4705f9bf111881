# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in a real directory, with what others may have made of it."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.stores.directory import DirectoryStore
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.stores import InDirectory, home

TEN = shop.taken("ten", "2026-01-01T10:00:00Z")
NOON = shop.taken("noon", "2026-01-01T12:00:00Z")


@pytest.fixture
def kind(tmp_path):
    return InDirectory(tmp_path, None)


@pytest.fixture
def store(kind):
    return kind.store()


def test_documents_are_files_that_a_person_finds(kind, store):
    store.write("shop/ten.json", b"{}")
    assert (kind.root / "project" / "osdr-catalogue" / "shop" / "ten.json").read_bytes() == b"{}"
    assert store.place == f"directory '{kind.root}/project/osdr-catalogue' for site 'remote'"


def test_nobody_else_may_read_what_is_written(kind, store):
    before = os.umask(0)
    try:
        store.write("shop/ten/1.drill.json", b"{}")
        store.write_new("shop/ten.json", b"{}")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(one.stat().st_mode) for one in kind.root.rglob("*") if one.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(one.stat().st_mode) for one in kind.root.rglob("*") if one.is_file()} == {0o600}


def test_a_directory_that_is_not_there_is_no_empty_catalogue(kind):
    kind.root.rmdir()
    for use in (
        lambda: kind.store().documents(),
        lambda: kind.store().read("shop/ten.json", 1),
        lambda: kind.store().write("shop/ten.json", b""),
        lambda: kind.store().delete("shop/ten.json"),
    ):
        with pytest.raises(CloudError, match="There is no directory '.*catalogues' for the catalogues of site 'remote'.") as raised:
            use()
        assert not isinstance(raised.value, NotFound)
    assert not kind.root.exists()


def test_the_operators_own_path_may_lead_through_a_link(kind, tmp_path):
    kind.store().write("shop/ten.json", b"{}")
    (tmp_path / "link").symlink_to(kind.root)
    assert DirectoryStore(str(tmp_path / "link"), home()).names() == ["shop/ten.json"]


# Links


@pytest.mark.parametrize("at", ["project", "project/osdr-catalogue", "project/osdr-catalogue/shop"])
def test_no_folder_is_entered_through_a_link(kind, tmp_path, at):
    elsewhere = tmp_path / "elsewhere"
    inner = "project/osdr-catalogue/shop/ten.json".removeprefix(at).strip("/")
    (elsewhere / inner).parent.mkdir(parents=True, exist_ok=True)
    (elsewhere / inner).write_bytes(b"secret")
    (kind.root / at).parent.mkdir(parents=True, exist_ok=True)
    (kind.root / at).symlink_to(elsewhere)
    store = kind.store()
    for use in (
        lambda: store.documents("shop"),
        lambda: store.read("shop/ten.json", 10),
        lambda: store.write("shop/ten.json", b"changed"),
        lambda: store.write_new("shop/new.json", b"changed"),
        lambda: store.delete("shop/ten.json"),
    ):
        with pytest.raises(CloudError, match="it is a link, or leads through one"):
            use()
    assert {one.name: one.read_bytes() for one in elsewhere.rglob("*.json")} == {"ten.json": b"secret"}


def test_a_link_in_the_place_of_a_document_is_listed_and_never_read(kind, tmp_path):
    Catalogue(kind.store()).publish(TEN)
    (tmp_path / "secret").write_bytes(NOON.dump())
    (kind.folder / "shop" / "noon.json").symlink_to(tmp_path / "secret")
    found = Catalogue(kind.store()).checkpoints("shop", lambda manifest: manifest)
    assert (found.kept, [one.checkpoint for one in found.damaged]) == ((TEN,), ["noon"])
    assert "it is a link" in found.damaged[0].problem


def test_a_link_gives_its_name_to_what_is_written_and_stays_no_way_out(kind, store, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (kind.folder / "shop").mkdir(parents=True)
    for name in ("ten.json", "noon.json"):
        (kind.folder / "shop" / name).symlink_to(tmp_path / "secret")
    store.write("shop/ten.json", b"manifest")
    store.write_new("shop/noon.json", b"manifest")
    assert (kind.folder / "shop" / "noon.json").is_symlink()
    store.delete("shop/noon.json")
    assert ((tmp_path / "secret").read_bytes(), store.read("shop/ten.json", 10)) == (b"secret", b"manifest")


def test_a_link_to_a_folder_hides_no_other_folder(kind, store, tmp_path):
    store.write("shop/ten.json", b"{}")
    (kind.folder / "blog").symlink_to(tmp_path)
    assert sorted(store.names()) == ["blog", "shop/ten.json"]


# What is no file


def test_what_is_no_file_is_told_and_not_waited_for(kind):
    Catalogue(kind.store()).publish(TEN)
    os.mkfifo(kind.folder / "shop" / "pipe.json")
    (kind.folder / "shop" / "folder.json").mkdir()
    found = Catalogue(kind.store()).checkpoints("shop", lambda manifest: manifest)
    assert (found.kept, [one.checkpoint for one in found.damaged]) == ((TEN,), ["pipe"])
    assert "'shop/pipe.json' in directory" in found.damaged[0].problem and "is no file" in found.damaged[0].problem
    with pytest.raises(CloudError, match="'shop/folder.json' in directory .* is no file"):
        kind.store().read("shop/folder.json", 10)


def test_what_cannot_be_read_is_told_with_the_reason(kind, store, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    store.write("shop/ten.json", b"{}")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CloudError, match="Could not list the documents in directory '.*' for site 'remote': Permission denied.") as raised:
        store.documents()
    assert raised.value.hint == "Let it belong to the user who runs the modules."


# Half of it


def test_what_programs_that_copy_leave_there_is_nobodys(kind, store):
    """Files of rsync, Syncthing and Nextcloud, and where they keep what they replaced."""
    store.write("shop/ten.json", b"{}")
    for name in (".noon.json.Ab12Cd", ".syncthing.noon.json.tmp", "~syncthing~noon.json.tmp", "noon (conflicted copy).json", "noon.json~"):
        (kind.folder / "shop" / name).write_bytes(b"{")
    for name in (".stfolder", ".stversions/shop", "lost+found", "shop~", "shop/folder.json"):
        (kind.folder / name).mkdir(parents=True)
        (kind.folder / name / "noon.json").write_bytes(b"{")
    (kind.folder / "shop" / os.fsdecode(b"\xff.json")).write_bytes(b"{")
    assert store.names() == ["shop/ten.json"]


def test_a_folder_whose_documents_have_not_come_yet_is_empty(kind, store):
    (kind.folder / "shop" / "ten").mkdir(parents=True)
    assert (store.names(), store.names("shop"), Catalogue(store).active("shop")) == ([], [], None)


def test_folders_deeper_than_any_of_a_catalogue_are_not_entered(kind, store):
    deep = kind.folder / "shop" / "ten" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c.json").write_bytes(b"{}")
    assert store.names() == []


def test_a_file_that_vanishes_while_it_is_listed_is_not_there(kind, store, monkeypatch):
    """The program that copies replaces it, or the next run prunes it."""
    for name in ("a/one.json", "b/two.json", "three.json"):
        store.write(name, b"{}")
    scan = os.scandir

    def scanned(folder):
        entries = scan(folder)
        if not (kind.folder / "three.json").exists():
            return entries
        listed = list(entries)
        (kind.folder / "three.json").unlink()
        (kind.folder / "a" / "one.json").unlink()
        (kind.folder / "a").rmdir()
        return _Entries(listed)

    monkeypatch.setattr(os, "scandir", scanned)
    assert store.names() == ["b/two.json"]


class _Entries(list):
    def __enter__(self):
        return self

    def __exit__(self, *_arguments):
        pass


# Writing


@pytest.mark.parametrize("moment", ["fsync", "replace", "link"])
def test_whoever_reads_never_sees_half_of_a_document(kind, store, monkeypatch, moment):
    """A run that ends in the middle leaves what was there, and no name that anybody reads."""
    store.write("shop/ten.json", b"what was there before")

    def end(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, moment, end)
    with pytest.raises(KeyboardInterrupt):
        (store.write_new if moment == "link" else store.write)("shop/ten.json", b"new")
    monkeypatch.undo()
    assert (store.read("shop/ten.json", 100), store.names()) == (b"what was there before", ["shop/ten.json"])
    assert os.listdir(kind.folder / "shop") == ["ten.json"]


def test_content_and_name_are_on_the_disk_before_it_counts_as_written(kind, store, monkeypatch):
    """First the content, then the name; a power failure between them leaves the document that was there before."""
    store.write("shop/ten.json", b"before")
    order, fsync, replace = [], os.fsync, os.replace

    def noted_fsync(opened):
        order.append("folder" if stat.S_ISDIR(os.fstat(opened).st_mode) else "file")
        fsync(opened)

    def noted_replace(*arguments, **options):
        order.append("name")
        replace(*arguments, **options)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    store.write("shop/ten.json", b"after")
    assert order == ["file", "name", "folder"]


def test_a_new_folder_is_on_the_disk_too(store, monkeypatch):
    synced, fsync = [], os.fsync

    def noted(opened):
        synced.append(os.readlink(f"/proc/self/fd/{opened}").rsplit("/", 1)[-1])
        fsync(opened)

    monkeypatch.setattr(os, "fsync", noted)
    store.write("shop/ten.json", b"{}")
    assert synced[:3] == ["catalogues", "project", "osdr-catalogue"] and synced[-1] == "shop"


def test_a_file_system_that_cannot_sync_folders_is_written_to_all_the_same(store, monkeypatch):
    fsync = os.fsync

    def refusing(opened):
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(opened)

    monkeypatch.setattr(os, "fsync", refusing)
    store.write("shop/ten.json", b"{}")
    assert store.read("shop/ten.json", 10) == b"{}"


def test_a_disk_that_fails_is_told(store, monkeypatch):
    def full(_opened):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CloudError, match="Could not write 'shop/ten.json' in directory '.*': No space left on device"):
        store.write("shop/ten.json", b"{}")


def test_a_disk_that_is_full_in_the_middle_leaves_what_was_there(kind, store):
    """A real limit of the process: what is written beyond it fails as on a full disk."""
    store.write("shop/ten.json", b"what was there before")
    handler, before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        for use in (lambda: store.write("shop/ten.json", b"x" * 4096), lambda: store.write_new("shop/noon.json", b"x" * 4096)):
            with pytest.raises(CloudError, match="Could not write 'shop/.*.json' in directory '.*': File too large."):
                use()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (store.read("shop/ten.json", 100), os.listdir(kind.folder / "shop")) == (b"what was there before", ["ten.json"])


@pytest.mark.parametrize("error", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_hard_links_it_is_looked_first(store, monkeypatch, error):
    def refuse(*_arguments, **_options):
        raise OSError(error, "refused")

    monkeypatch.setattr(os, "link", refuse)
    for content in (b"first", b"second"):
        store.write_new("shop/ten.json", content)
    assert (store.read("shop/ten.json", 10), store.names()) == (b"first", ["shop/ten.json"])


def test_no_open_file_is_left(store):
    before = len(os.listdir("/proc/self/fd"))
    store.write("shop/ten.json", b"{}")
    store.write_new("shop/ten.json", b"{}")
    store.read("shop/ten.json", 10)
    store.documents()
    store.delete("shop/ten.json")
    for name in ("shop/none.json", "blog/none.json"):
        with pytest.raises(NotFound):
            store.read(name, 10)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(("project", "container"), [("../other", "c"), ("", "c"), ("p", ".."), ("p", "a/b"), ("p", ".hidden")])
def test_no_project_and_no_container_leads_out_of_it(kind, project, container):
    with pytest.raises(InvalidInput, match="cannot be the name of a folder"):
        kind.store(project, container).write("shop/ten.json", b"{}")
    assert list(kind.root.iterdir()) == []
