# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of places in which a catalogue can be, each as its adapter really meets it, and ways in which others write to them."""

from __future__ import annotations

import threading

import openstack
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.stores.swift import SwiftStore
from ansible_collections.osdr.openstack.tests.unit.support.fake_swift_api import FakeSwiftApi
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

NAME = "osdr-catalogue"


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


KINDS = {"memory": InMemory, "swift": InSwift}


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
