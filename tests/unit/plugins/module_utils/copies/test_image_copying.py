# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.copies import glance_image, methods
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.glance_image import GlanceImage
from ansible_collections.osdr.openstack.plugins.module_utils.copies.image_copying import ImageCopying, image_problems
from ansible_collections.osdr.openstack.plugins.module_utils.copies.job import CheckpointCopying
from ansible_collections.osdr.openstack.plugins.module_utils.copies.method import Copied
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import Effort
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, DrError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.image_marks import CopyMark, root_properties
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content, Copy
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import FakeGlance, cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime

DATA = b"a root disk" * 100_000
#: What Nova and the site write on an image, and what belongs to the guest.
OF_SITE = {"user_id": "u", "image_type": "snapshot", "base_image_ref": "b", "owner_specified.openstack.md5": "m", "osdr_set": "{}"}
OF_GUEST = {"hw_disk_bus": "virtio", "hw_qemu_guest_agent": "yes", "os_distro": "debian"}


NOON = marks("shop", "noon")


class Two:
    """Two sites with images."""

    def __init__(self, *servers, runs=1, depth="objects", bandwidth=None):
        self.time = FakeTime()
        self.here, self.there = FakeGlance(), FakeGlance()
        self.progress = Progress(None, self.time.clock)
        sites = {name: SimpleNamespace(cloud=cloud_with_images(name, glance=one)) for name, one in (("primary", self.here), ("remote", self.there))}
        self.sites = SimpleNamespace(**sites)
        effort = Effort(4, 60, bandwidth, self.time.clock)
        self.options = ReplicationOptions(WantedBackups("shop", "noon", 7), Delivery("shared", depth, Sampling("noon", runs)), effort)
        for server in servers:
            self.take(server)

    def take(self, server, data=DATA, **facts):
        properties = {**root_properties(server, 2), **marks("shop", "noon"), "instance_uuid": server, **OF_SITE, **OF_GUEST}
        formats = {"disk_format": "qcow2", "container_format": "bare", "min_disk": 2, "min_ram": 64}
        return self.here.add(f"image-of-{server}", data, name=f"shop.noon.{server}", **formats, **{**properties, **facts})

    @property
    def copying(self):
        return ImageCopying(self.sites, self.options, Waiter(60, 1, self.time.clock), self.progress)

    def run(self):
        return self.copying.carry_out()

    @property
    def copies(self):
        return list(self.there.by_id.values())


@pytest.fixture
def two():
    return Two("web", "db")


def test_a_root_disk_is_copied_once(two):
    copied = two.run()
    assert (copied.changed, copied.before, copied.after) == (True, (), ("db", "web"))
    assert sorted(two.there.data.values()) == [DATA, DATA]
    calls = list(two.there.calls)
    again = two.run()
    assert (again.changed, again.before) == (False, ("db", "web"))
    assert again.copies == copied.copies
    assert two.there.calls == calls


def test_a_copy_is_described_as_a_restore_needs_it(two):
    copy = two.run().copies[1]
    image = two.there.by_id[copy.copy_id]
    digest = hashlib.sha512(DATA).hexdigest()
    assert copy == Copy(
        volume_id="web",
        method="glance_image",
        copy_id=image["id"],
        chain=(image["id"],),
        size=2,
        incremental=False,
        object_count=1,
        stored_bytes=len(DATA),
        inventory=f"sha256:{hashlib.sha256(f'{digest} {len(DATA)}'.encode()).hexdigest()}",
        verified="objects",
    )


def test_a_copy_is_an_image_of_the_same_kind_without_what_is_of_the_other_site(two):
    copy = two.run().copies[1]
    image = two.there.by_id[copy.copy_id]
    own = {key: image[key] for key in ("name", "disk_format", "container_format", "min_disk", "min_ram", "visibility", "status")}
    assert own == {
        "name": "shop.noon.web",
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 2,
        "min_ram": 64,
        "visibility": "private",
        "status": "active",
    }
    assert OF_GUEST.items() <= image.items()
    assert not OF_SITE.keys() & image.keys()
    assert {key for key in image if key.startswith("osdr_")} == {"osdr_copy"}


def test_copies_are_parts_that_have_the_marks(two):
    two.run()
    parts = GlanceImage().look(two.sites.remote, (), 1)
    assert {(part.volume_id, part.of, part.is_usable) for part in parts} == {("web", "image-of-web", True), ("db", "image-of-db", True)}
    assert all(part.metadata == marks("shop", "noon") for part in parts)


@pytest.mark.parametrize("where", [0, 1, len(DATA) - 1])
def test_an_image_whose_copying_breaks_is_copied_from_its_beginning_by_the_next_run_and_not_twice(where):
    two = Two("web", "db")
    two.run()
    two.take("third")
    two.there.limit = where
    with pytest.raises(CloudError):
        two.run()
    assert sorted(one["status"] for one in two.copies) == ["active", "active", "queued"]
    two.there.limit = None
    assert two.run().before == ("db", "web")
    assert [one["status"] for one in two.copies] == ["active"] * 3
    assert set(two.there.data.values()) == {DATA}


def test_a_link_that_is_back_soon_does_not_end_the_run(two, monkeypatch):
    broken = []
    stream = two.here.get

    def get(path, **options):
        if path.endswith("/file") and len(broken) < 2:
            broken.append(path)
            return SimpleNamespace(status_code=503, headers={}, ok=False, url=path, text="", json=dict, request=None, reason="Unavailable")
        return stream(path, **options)

    two.here.get = get
    two.run()
    assert len(two.copies) == 2
    assert len(broken) == 2


def test_a_run_killed_between_writing_and_comparing_leaves_no_copy_that_counts(two, monkeypatch):
    def kill(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageCopying, "_compare", kill)
    with pytest.raises(KeyboardInterrupt):
        two.run()
    monkeypatch.undo()
    assert two.copying.foresee().copies == ()
    two.run()
    assert len(two.copies) == 2
    assert all(CopyMark.on(image).digest for image in images_there(two))


def images_there(two):
    return Images(two.sites.remote.cloud).images()


@pytest.mark.parametrize("status", ["saving", "uploading", "importing"])
def test_what_another_run_is_still_writing_is_waited_for(two, status):
    two.run()
    one = two.copies[0]
    mark = json.loads(one["osdr_copy"])
    one.update(status=status, osdr_copy=json.dumps({**mark, "digest": ""}))
    del two.there.data[one["id"]]
    with pytest.raises(WaitTimeout, match="which another run began to write"):
        two.run()
    one["status"] = "queued"
    two.run()
    assert len(two.copies) == 2
    assert two.there.data[one["id"]] == DATA


def test_it_is_waited_for_as_long_as_a_link_may_stall(two):
    two.run()
    unfinished(two.copies[0], status="saving")
    copying = ImageCopying(two.sites, two.options, Waiter(10, 1, two.time.clock), two.progress)
    with pytest.raises(WaitTimeout):
        copying.carry_out()
    assert two.time.seconds == pytest.approx(60, abs=2)


def test_what_another_run_gives_up_meanwhile_is_made_once_more(two, monkeypatch):
    two.run()
    one = unfinished(two.copies[0], status="saving")
    get = two.there.get

    def vanishing(path, **options):
        # Whoever waits asks for the image by itself.
        if path == f"/images/{one['id']}":
            two.there.by_id.pop(one["id"], None)
        return get(path, **options)

    monkeypatch.setattr(two.there, "get", vanishing)
    two.run()
    assert one["id"] not in two.there.by_id
    assert {image["status"] for image in two.copies} == {"active"} and len(two.copies) == 2


def unfinished(one, **changes):
    """A copy as it is before it was compared."""
    one.update(osdr_copy=json.dumps({**json.loads(one["osdr_copy"]), "digest": ""}), **changes)
    return one


@pytest.mark.parametrize("image_id", ["0-first", "z-last"])
def test_of_several_copies_the_one_that_is_whole_counts(two, image_id):
    two.run()
    whole = {one["id"] for one in two.copies}
    other = {**two.copies[0], "id": image_id}
    other["osdr_copy"] = json.dumps({**json.loads(other["osdr_copy"]), "image": image_id})
    two.there.by_id[image_id] = unfinished(other)
    assert two.copying.foresee().before == ("db", "web")
    two.run()
    assert {one["id"] for one in two.copies} == whole


def test_what_is_not_whole_is_no_copy_of_images_that_are_gone(two):
    two.run()
    unfinished(next(one for one in two.copies if json.loads(one["osdr_copy"])["root"] == "web"))
    two.here.by_id.clear()
    assert [copy.volume_id for copy in two.run().copies] == ["db"]


def test_what_was_read_must_be_what_nova_made(two):
    two.here.by_id["image-of-web"]["os_hash_value"] = "0" * 128
    with pytest.raises(ResourceFailed, match="site 'primary' returned or stored other data than the image has"):
        two.run()
    # It is not tried again and again, as after a temporary failure.
    assert two.time.seconds == 0
    assert [CopyMark.on(one).root for one in images_there(two)] == ["db"]


def test_what_is_stored_must_be_what_was_read(two, monkeypatch):
    store = two.there._store

    def rot(image_id, data):
        store(image_id, data[:-1] + b"!")

    two.there._store = rot
    with pytest.raises(DrError, match="site 'remote' returned or stored other data than the image has"):
        two.run()
    assert two.copies == []


def test_where_glance_never_had_the_data_itself_what_is_read_counts():
    """In Ceph, Nova gives Glance a clone, of which it computes nothing."""
    two = Two()
    two.take("web", os_hash_algo=None, os_hash_value=None)
    assert two.run().copies[0].volume_id == "web"


def test_a_site_with_another_digest_is_read_back(two):
    store = two.there._store

    def other(image_id, data):
        store(image_id, data)
        two.there.by_id[image_id].update(os_hash_algo="sha256", os_hash_value=hashlib.sha256(data).hexdigest())

    two.there._store = other
    assert len(two.run().copies) == 2


@pytest.mark.parametrize("depth", ["restore", "readable"])
def test_the_content_is_proved_by_reading_it_back(depth):
    two = Two("web", "db", depth=depth)
    copies = two.run().copies
    assert [(copy.verified, copy.content.how, copy.content.proved_by, bool(copy.content.proved_at)) for copy in copies] == [(depth, depth, "noon", True)] * 2
    assert two.progress.line.startswith("reading back images: 2 of 2 images, ")


def test_only_a_share_of_the_content_is_read_back_in_one_run():
    copies = Two("web", "db", depth="restore", runs=2).run().copies
    assert sorted(copy.verified for copy in copies) == ["objects", "restore"]
    assert Content(passed_over=1) in [copy.content for copy in copies]


def test_a_copy_that_is_read_back_otherwise_fails_the_run():
    two = Two("web", depth="restore")
    two.run()
    two.there.data[two.copies[0]["id"]] = b"other"
    with pytest.raises(ResourceFailed, match="is not what was stored there"):
        two.run()


def test_an_image_that_is_not_complete_cannot_be_copied(two):
    two.here.by_id["image-of-web"]["status"] = "saving"
    with pytest.raises(CheckFailed, match=r"Image image-of-web of the root disk of server web on site 'primary' is saving; it must be active"):
        two.run()
    assert two.copies == []


def test_what_glance_does_not_complete_is_told(two):
    two.there._store = lambda image_id, data: two.there.by_id[image_id].update(status="killed")
    two.options = dataclasses.replace(two.options, effort=dataclasses.replace(two.options.effort, concurrency=1))
    del two.here.by_id["image-of-db"]
    with pytest.raises(ResourceFailed, match=r"on site 'remote' is killed after it was written") as raised:
        two.run()
    assert raised.value.facts == {"resource_type": "image", "resource_id": two.copies[0]["id"]}
    # What had passed does not count: all of it passes again.
    assert two.progress.line.startswith("copying images: 0 of 1 images, 0.0 MiB of 1.0 MiB")


def left_over(two):
    """A copy of an image that was given up."""
    one = {**two.copies[0], "id": "left"}
    one["osdr_copy"] = json.dumps({**json.loads(one["osdr_copy"]), "image": "left", "of": "an image that was given up"})
    two.there.by_id["left"] = one


def test_a_copy_that_an_attempt_left_and_nobody_needs_goes(two):
    two.run()
    left_over(two)
    foreseen = two.copying.foresee()
    assert (foreseen.changed, foreseen.before, "left" in two.there.by_id) == (True, ("db", "web"), True)
    assert (two.run().changed, "left" in two.there.by_id) == (True, False)
    assert two.run().changed is False


@pytest.mark.parametrize("usage", [{"image_count_total": (2, 2)}, {"image_size_total": (2, 2)}], ids=["number", "size"])
def test_a_copy_that_goes_gives_its_room(two, usage):
    two.run()
    left_over(two)
    web = next(one["id"] for one in two.copies if one["name"].endswith(".web"))
    del two.there.by_id[web]
    two.there.usage = usage
    assert two.copying.foresee().changed
    assert two.run().changed


def test_images_that_were_taken_anew_are_copied_anew_and_the_old_copies_go(two):
    two.run()
    old = {one["id"] for one in two.copies}
    for one in list(two.here.by_id.values()):
        one["id"] += "-anew"
        two.here.by_id = {**two.here.by_id, one["id"]: one}
        two.here.data[one["id"]] = b"newer"
        one.update(size=5, os_hash_value=hashlib.sha512(b"newer").hexdigest())
    two.here.by_id = {key: one for key, one in two.here.by_id.items() if key.endswith("-anew")}
    assert two.copying.foresee().changed
    assert two.run().changed
    assert not old & {one["id"] for one in two.copies}
    assert set(two.there.data.values()) == {b"newer"}


def test_what_a_checkpoint_was_published_with_is_not_replaced(two):
    two.run()
    for one in two.copies:
        mark = json.loads(one["osdr_copy"])
        one["osdr_copy"] = json.dumps({**mark, "of": "another", "metadata": {**mark["metadata"], "osdr_manifest": "1:0"}})
    with pytest.raises(CheckFailed, match="A checkpoint with this id was published with image"):
        two.run()
    assert len(two.copies) == 2


def test_a_copied_checkpoint_needs_its_images_no_longer(two):
    copied = two.run()
    two.here.by_id.clear()
    assert two.run().copies == copied.copies
    assert two.copying.has_images


def test_planning_is_no_change(two):
    foreseen = two.copying.foresee()
    assert (foreseen.changed, foreseen.after, foreseen.copies) == (True, ("db", "web"), ())
    assert two.there.calls == []
    copied = two.run()
    assert two.copying.foresee() == Copied(False, ("db", "web"), ("db", "web"), copied.copies)


def test_images_of_others_are_not_this_ones(two):
    """What people make of a server that boots from one of ours has all its properties, but another id, and is of another server."""
    two.run()
    theirs = {**two.copies[0], "id": "theirs"}
    two.there.by_id["theirs"] = theirs
    two.here.add("also-theirs", b"x", **{**two.here.by_id["image-of-web"], "id": "also-theirs", "instance_uuid": "another"})
    two.here.add("other-checkpoint", b"x", **{**two.here.by_id["image-of-web"], "id": "other-checkpoint", "osdr_checkpoint": "dawn"})
    assert two.run().changed is False
    assert "theirs" in two.there.by_id
    assert {part.id for part in GlanceImage().look(two.sites.remote, (), 1)} == {one["id"] for one in two.copies} - {"theirs"}


WRONG = {"image": "x", "of": 1, "root": "r", "size": 1, "metadata": {}, "digest": ""}


@pytest.mark.parametrize("text", ["", "{", "7", "null", "{}", '{"image": "x"}', json.dumps(WRONG), pytest.param("[" * 60_000, id="deep")])
def test_a_mark_that_makes_no_sense_is_none(two, text):
    two.there.add("x", b"data", osdr_copy=text)
    assert GlanceImage().look(two.sites.remote, (), 1) == []


def test_no_more_passes_than_the_bandwidth_allows():
    two = Two("web", bandwidth=len(DATA) // 10)
    two.run()
    assert two.time.seconds == pytest.approx(10, abs=1)


def test_how_far_it_is_is_told(two, monkeypatch):
    lines = []
    add = two.progress.add
    monkeypatch.setattr(two.progress, "add", lambda *args, **kwargs: (add(*args, **kwargs), lines.append(two.progress.line)))
    two.run()
    assert lines[-1].startswith("copying images: 2 of 2 images, 2.1 MiB of 2.1 MiB")


def test_both_glances_must_be_in_reach(two):
    assert image_problems(two.sites, 2, NOON) == []
    two.there.get = lambda *_args, **_options: two.there._answered(lambda: two.there._found("nothing"))
    (problem,) = image_problems(two.sites, 2, NOON)
    assert "Root disks of servers that boot from images are copied from one Glance to the other." in problem


# Limits


@pytest.mark.parametrize("usage", [None, {}, {"image_count_total": (10, 8), "image_size_total": (-1, 99)}, {"image_size_total": (3, 0), "other": (0, 5)}])
def test_limits_with_room_or_that_nobody_tells_refuse_nothing(two, usage):
    two.here.usage = two.there.usage = usage
    assert image_problems(two.sites, 2, {"osdr_checkpoint": "another"}) == []
    assert two.run().changed


@pytest.mark.parametrize(("status", "problems"), [(403, 0), (404, 0), (500, 1)])
def test_who_may_not_read_limits_finds_none_and_a_broken_glance_is_told(two, status, problems):
    get = two.there.get
    two.there.get = lambda path, **given: two.there.refused(status) if path == "/info/usage" else get(path, **given)
    assert len(image_problems(two.sites, 2, NOON)) == problems


def test_limits_without_room_are_told_before_anything_is_made(two):
    two.here.usage = {"image_count_total": (5, 4)}
    two.there.usage = {"image_count_total": (5, 5), "image_size_total": (7, 9)}
    count_here, count_there, size_there = image_problems(two.sites, 2, {"osdr_checkpoint": "another"})
    assert "'image_count_total' of the project on site 'primary' is 1 too small for images of root disks: 2 more are needed, 4 of 5 are in use" in count_here
    assert "on site 'remote' is 2 too small" in count_there
    assert "'image_size_total' of the project on site 'remote' is 2 MiB too small" in size_there


def test_what_an_earlier_run_made_needs_no_room_twice(two):
    two.run()
    two.here.usage = two.there.usage = {"image_count_total": (2, 2)}
    assert image_problems(two.sites, 2, NOON) == []
    assert two.run().changed is False
    assert len(image_problems(two.sites, 3, NOON)) == 2


@pytest.mark.parametrize(
    ("usage", "told"),
    [({"image_count_total": (1, 0)}, "image_count_total.* is 1 too small"), ({"image_size_total": (2, 0)}, "image_size_total.* is 1 MiB too small")],
)
def test_copies_for_which_there_is_no_room_are_not_begun(two, usage, told):
    two.there.usage = usage
    for act in (two.copying.carry_out, two.copying.foresee):
        with pytest.raises(CheckFailed) as raised:
            act()
        (problem,) = raised.value.facts["problems"]
        assert re.search(told, problem)
    assert two.there.calls == []
    # One of the two is there already.
    two.there.usage = None
    two.run()
    gone = two.copies[0]["id"]
    del two.there.by_id[gone]
    two.there.usage = {"image_count_total": (2, 1), "image_size_total": (3, 1)}
    two.there.gone.discard(gone)
    assert two.run().changed


# Together with volumes


class Backups:
    """The copying of volumes."""

    def __init__(self, has_volumes):
        self.has_volumes = has_volumes
        self.has_begun = False

    def check(self):
        pass

    def foresee(self):
        return Copied(False, ("volume",), ("volume",), (Copy("volume", "cinder_backup", "b", ("b",), 1, False, 1),))

    def carry_out(self):
        self.has_begun = True
        return self.foresee()


@pytest.mark.parametrize(
    ("has_volumes", "servers", "expected"),
    [
        (True, ["web"], ["volume", "web"]),
        (True, [], ["volume"]),
        (False, ["web"], ["web"]),
        # For the copying of volumes to refuse.
        (False, [], ["volume"]),
    ],
)
def test_a_checkpoint_is_copied_by_all_methods_that_it_needs(has_volumes, servers, expected):
    copying = CheckpointCopying(Backups(has_volumes), Two(*servers).copying)
    foreseen = copying.foresee()
    copied = copying.carry_out()
    assert [copy.volume_id for copy in copied.copies] == expected
    assert list(copied.after) == list(foreseen.after) == expected
    assert copied.changed is foreseen.changed is ("web" in servers)


def test_nothing_is_copied_when_the_check_of_any_part_fails(monkeypatch):
    backups, two = Backups(True), Two("web")
    copying = CheckpointCopying(backups, two.copying)
    monkeypatch.setattr(copying._parts[1], "_made", [dataclasses.replace(one, status="queued") for one in copying._parts[1]._made])
    with pytest.raises(CheckFailed, match=r"this step has changed nothing\. .* is queued"):
        copying.carry_out()
    assert not backups.has_begun


# Parts


def test_a_copy_keeps_pieces_of_a_manifest_in_its_one_mark(two):
    copy = two.run().copies[0]
    part = next(part for part in methods.look(with_backups(two.sites.remote)) if part.id == copy.copy_id)
    pieces = {**part.metadata, "osdr_manifest": "1:x", "osdr_manifest_0000": "y" * 255}
    methods.mark(two.sites.remote, part, pieces)
    after = next(one for one in GlanceImage().look(two.sites.remote, (), 1) if one.id == copy.copy_id)
    assert after.metadata == pieces
    assert two.run().changed is False


def with_backups(storage):
    return SimpleNamespace(cloud=storage.cloud, backups=list, backup=None, volumes=list)


def test_a_glance_that_does_not_answer_keeps_no_volume_from_being_restored(two):
    copy = two.run().copies[0]
    two.there.get = lambda *_args, **_options: two.there._answered(lambda: two.there._found("nothing"))
    assert GlanceImage().look(two.sites.remote, (), 1) == []
    with pytest.raises(CloudError):
        GlanceImage().look(two.sites.remote, [copy], 1)


def test_a_copy_of_another_project_is_asked_for(two):
    copy = two.run().copies[0]
    two.there.by_id[copy.copy_id]["owner"] = "others"
    assert copy.copy_id not in {part.id for part in GlanceImage().look(two.sites.remote, (), 1)}
    missing = dataclasses.replace(copy, chain=("nowhere",))
    assert copy.copy_id in {part.id for part in GlanceImage().look(two.sites.remote, [copy, missing], 1)}


def test_an_image_that_a_server_boots_from_is_kept(two, monkeypatch):
    part = GlanceImage().look(two.sites.remote, (), 1) or None
    assert part is None
    copy = two.run().copies[0]
    part = next(one for one in GlanceImage().look(two.sites.remote, (), 1) if one.id == copy.copy_id)
    servers = [SimpleNamespace(image_id=copy.copy_id, label="web-1 (id)")]
    monkeypatch.setattr(glance_image, "Compute", lambda cloud: SimpleNamespace(servers=lambda: servers))
    with pytest.raises(CloudError, match=r"is what these servers boot from: web-1 \(id\)\.") as raised:
        methods.delete(two.sites.remote, part)
    assert raised.value.http_status == 400
    servers.clear()
    two.there.in_use = [part.id]
    with pytest.raises(CloudError) as raised:
        methods.delete(two.sites.remote, part)
    assert raised.value.http_status == 400
    two.there.in_use = []
    with monkeypatch.context() as patched:
        patched.setattr(two.there, "_delete", lambda _image_id: two.there._upload(copy.copy_id, b"", {}))
        with pytest.raises(CloudError) as raised:
            methods.delete(two.sites.remote, part)
    # Whatever else goes wrong is told as it is.
    assert raised.value.http_status == 415
    methods.delete(two.sites.remote, part)
    methods.await_removal(two.sites.remote, part, Waiter(60, 1, two.time.clock))
    assert copy.copy_id not in two.there.by_id


def test_what_nova_made_is_a_part_too_so_that_it_goes_with_its_checkpoint(two):
    parts = GlanceImage().look(two.sites.primary, (), 1)
    assert {(part.id, part.of) for part in parts} == {("image-of-web", ""), ("image-of-db", "")}
    assert all(part.metadata == marks("shop", "noon") for part in parts)
    assert methods.removal_order(parts) == [[part] for part in parts]


def test_a_proof_of_the_content_is_dated_by_the_clock_of_the_site_that_has_it():
    two, answered = Two("web", depth="restore"), time.monotonic()
    two.sites.remote.cloud.clock.note_record("2126-01-01T12:00:00", answered, answered)
    assert two.run().copies[0].content.proved_at > "2100"
