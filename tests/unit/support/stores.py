# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of places in which a catalogue can be, each as its adapter really meets it, and ways in which others write to them."""

from __future__ import annotations

import functools
import threading
from types import SimpleNamespace

import openstack
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.stores.directory import DirectoryStore
from ansible_collections.osdr.openstack.plugins.module_utils.stores.home import Home
from ansible_collections.osdr.openstack.plugins.module_utils.stores.s3 import S3Settings, S3Store
from ansible_collections.osdr.openstack.plugins.module_utils.stores.swift import SwiftStore
from ansible_collections.osdr.openstack.tests.unit.support.fake_s3 import FakeS3
from ansible_collections.osdr.openstack.tests.unit.support.fake_swift_api import FakeSwiftApi
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

NAME = "osdr-catalogue"
S3_URL = "https://s3.example.com"


def home(project="project", container=NAME):
    return Home(SimpleNamespace(site="remote", project_id=project), container)


class InMemory:
    """What the tests of everything above use."""

    def __init__(self, *_given):
        self._stores = {}

    def store(self, project="project", container=NAME):
        if (project, container) not in self._stores:
            made = self._stores[project, container] = FakeStore()
            made.identity = f"{project}/{container}"
        return self._stores[project, container]

    def plant(self, name, content):
        self.store().content[name] = content


class InSwift:
    URL = "http://swift.example/v1"

    def __init__(self, _tmp_path, requests_mock):
        self.swift = FakeSwiftApi(requests_mock, self.URL)

    def store(self, project="project", container=NAME):
        url = f"{self.URL}/AUTH_{project}"
        cloud = Cloud(openstack.connect(auth_type="none", endpoint=url, object_store_endpoint_override=url), "remote")
        cloud.__dict__["project_id"] = project
        return SwiftStore(ObjectStore(cloud), container)

    def plant(self, name, content):
        self.swift.containers.setdefault(("AUTH_project", NAME), {})[name] = content


class InDirectory:
    def __init__(self, tmp_path, _requests_mock):
        self.root = tmp_path / "catalogues"
        self.root.mkdir()

    def store(self, project="project", container=NAME):
        return DirectoryStore(str(self.root), home(project, container))

    @property
    def folder(self):
        return self.root / "project" / NAME

    def plant(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class InS3:
    SETTINGS = S3Settings.parse({"bucket": "dr", "endpoint": S3_URL, "prefix": "of/shop", "access_key": "me", "secret_key": "my secret"})

    def __init__(self, *_given):
        self.s3 = FakeS3("dr")
        # Making one takes longer than all that is done with it.
        self._client = _client()
        self._client.meta.events.unregister("before-send.s3", unique_id="fake")
        self._client.meta.events.register("before-send.s3", self.s3.answer, unique_id="fake")

    def store(self, project="project", container=NAME):
        made = S3Store(self.SETTINGS, home(project, container))
        made.client = self._client
        return made

    def plant(self, name, content):
        self.s3.buckets["dr"][f"of/shop/project/{NAME}/{name}"] = content


@functools.cache
def _client():
    return InS3.SETTINGS.client()


KINDS = {"memory": InMemory, "swift": InSwift, "directory": InDirectory, "s3": InS3}


def at_the_same_time(*calls):
    """What calls return that begin together."""
    together, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number):
        together.wait()
        found[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found
