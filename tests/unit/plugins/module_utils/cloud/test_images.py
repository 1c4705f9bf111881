# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tracemalloc

import openstack
import pytest
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Image
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import FakeGlance, cloud_with_images


@pytest.fixture
def glance():
    return FakeGlance(page=2)


@pytest.fixture
def images(glance):
    return Images(cloud_with_images("remote", glance=glance))


def test_an_image_is_read_with_what_is_no_property_of_its_own(images, glance):
    glance.add("one", b"data", name="root", min_disk=2, disk_format="qcow2", container_format="bare", hw_disk_bus="virtio", os_distro=None, stores="ceph")
    found = images.image("one")
    assert found == Image(
        id="one",
        name="root",
        status="active",
        created_at="2026-01-01T00:00:01Z",
        properties={"hw_disk_bus": "virtio"},
        size=4,
        min_disk=2,
        disk_format="qcow2",
        container_format="bare",
        hash_algo="sha512",
        hash_value=found.hash_value,
        project_id="project",
    )
    assert len(found.hash_value) == 128
    assert images.image("another") is None


def test_all_images_of_the_project_are_listed_page_by_page(images, glance):
    for number in range(5):
        glance.add(f"image-{number}")
    glance.add("foreign", owner="others")
    assert [one.id for one in images.images()] == [f"image-{number}" for number in range(5)]


def test_an_answer_that_is_no_image_makes_no_sense(images, glance):
    glance.add("one", status=7)
    with pytest.raises(CloudError, match=r"Site 'remote' could not list images: its answer makes no sense"):
        images.images()


def test_an_image_is_made_with_its_properties_and_gets_more_later(images, glance):
    made = images.create({"id": "one", "name": "root", "disk_format": "raw", "container_format": "bare", "osdr_copy": "x"})
    assert (made.id, made.status, made.properties) == ("one", "queued", {"osdr_copy": "x"})
    images.set_properties("one", {"osdr_copy": "y", "a/b~c": "z"})
    assert images.image("one").properties == {"osdr_copy": "y", "a/b~c": "z"}


def test_what_is_deleted_is_gone_and_may_have_been(images, glance):
    glance.add("one")
    images.delete("one")
    images.delete("one")
    assert images.image("one") is None


def test_what_glance_refuses_is_told(images, glance):
    glance.add("one")
    glance.in_use = ["one"]
    with pytest.raises(CloudError, match=r"Site 'remote' could not delete image one: .*in use") as raised:
        images.delete("one")
    assert raised.value.http_status == 409


@pytest.mark.parametrize("size", [7, 0])
def test_data_are_written_and_read_in_blocks(images, glance, size):
    images.create({"id": "one", "name": "root", "disk_format": "raw", "container_format": "bare"})
    images.upload("one", iter([b"abc", b"defg"]), size, 60)
    assert images.image("one").status == "active"
    with images.stream("one", 60) as blocks:
        assert b"".join(blocks) == b"abcdefg"
    assert glance.calls == [("POST", "/images"), ("PUT", "/images/one/file")]


def test_an_image_without_data_cannot_be_read(images, glance):
    glance.add("one")
    with pytest.raises(CloudError, match="could not read image one"), images.stream("one", 60):
        pass
    with pytest.raises(NotFound), images.stream("another", 60):
        pass


def test_a_link_that_breaks_while_data_are_read_is_told(images, glance, monkeypatch):
    glance.add("one", b"data")

    def broken(_response, _size):
        yield b"da"
        raise requests.ConnectionError("reset by peer")

    monkeypatch.setattr(requests.Response, "iter_content", broken)
    with pytest.raises(CloudError, match=r"Site 'remote' broke off image one: reset by peer\."), images.stream("one", 60) as blocks:
        list(blocks)


VERSIONS = b'{"versions": [{"id": "v2.9", "status": "CURRENT", "links": [{"rel": "self", "href": "http://glance.example/v2/"}]}]}'


def answered(request, status, content):
    answer = requests.Response()
    answer.status_code, answer.request, answer.url, answer._content = status, request, request.url, content
    answer.headers["Content-Type"] = "application/json"
    return answer


def test_however_large_an_image_is_the_sdk_holds_no_more_than_a_block(monkeypatch):
    """All that the SDK and requests do before the socket; 256 MiB go through."""
    block, count = bytes(2**20), 256
    connection = openstack.connect(auth_type="none", endpoint="http://glance.example/v2", image_endpoint_override="http://glance.example/v2")
    taken = []

    def send(_adapter, request, **_options):
        if request.method == "GET":
            return answered(request, 200, VERSIONS)
        body = request.body
        while piece := body.read(2**16) if hasattr(body, "read") else next(iter(body), b""):
            taken.append(len(piece))
        return answered(request, 204, b"")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    tracemalloc.start()
    try:
        Images(Cloud(connection, "remote")).upload("one", (block for _number in range(count)), count * len(block), 60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(taken) == count * len(block)
    assert peak < 16 * 2**20
