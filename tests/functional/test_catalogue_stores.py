# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remote site's catalogue in a bucket and in a directory: checkpoints, what can be restored of them, and a catalogue of which half has arrived."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile

import boto3
import inputs
import laboratory
import pytest
import yaml
from laboratory import cloud, module, playbook

KEY = "correct horse battery staple"
NAME = "shop-in-stores"
PART = {"name": NAME, "tiers": [{"name": "database", "servers": ["orders-db"]}, {"name": "front", "servers": ["shop-front"]}]}
S3 = "http://remote:8080"


@contextlib.contextmanager
def entries(directory, catalogue):
    """The lab's clouds.yaml, where the remote site's catalogues are somewhere else."""
    given = yaml.safe_load(pathlib.Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text())
    given["clouds"]["remote"]["osdr_catalogue"] = catalogue
    file = directory / "clouds.yaml"
    file.write_text(yaml.safe_dump(given))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield


class Bucket:
    """A new bucket of Swift's s3api, with EC2 credentials of the application's user."""

    def __init__(self):
        self._site, self.name = cloud("remote"), laboratory.unique("bucket")
        self._keys = f"/users/{self._site.current_user_id}/credentials/OS-EC2"
        made = self._site.identity.post(self._keys, json={"tenant_id": self._site.current_project_id})
        made.raise_for_status()
        self._access, self.secret = (made.json()["credential"][part] for part in ("access", "secret"))
        signed = {"region_name": "us-east-1", "aws_access_key_id": self._access, "aws_secret_access_key": self.secret}
        self._client = boto3.client("s3", endpoint_url=S3, **signed)
        self._client.create_bucket(Bucket=self.name)
        self.entry = {"s3": {"bucket": self.name, "endpoint": S3, "prefix": "osdr", "access_key": self._access, "secret_key": self.secret}}

    def read(self, name):
        return self._client.get_object(Bucket=self.name, Key=f"osdr/{name}")["Body"].read()

    def delete(self, name):
        self._client.delete_object(Bucket=self.name, Key=f"osdr/{name}")

    def remove(self):
        for one in self._client.list_objects_v2(Bucket=self.name).get("Contents", ()):
            self._client.delete_object(Bucket=self.name, Key=one["Key"])
        self._client.delete_bucket(Bucket=self.name)
        self._site.identity.delete(f"{self._keys}/{self._access}").raise_for_status()


class Directory:
    def __init__(self):
        self._path = pathlib.Path(tempfile.mkdtemp(prefix="osdr-catalogues-"))
        self.secret = None
        self.entry = {"directory": str(self._path)}

    def read(self, name):
        return (self._path / name).read_bytes()

    def delete(self, name):
        (self._path / name).unlink()

    def remove(self):
        shutil.rmtree(self._path)


@pytest.fixture(scope="module", params=[Bucket, Directory])
def place(request, tmp_path_factory):
    """Where the remote site's catalogues are, as clouds.yaml says it."""
    made = request.param()
    with entries(tmp_path_factory.mktemp("clouds"), made.entry):
        yield made
    made.remove()


def stored(checkpoint):
    """The name of a manifest, as it is kept in a bucket or directory."""
    return f"{cloud('remote').current_project_id}/osdr-catalogue/{NAME}/{checkpoint}.json"


@pytest.fixture(scope="module")
def checkpoint(application, place):
    """A checkpoint of the application; its backups are removed at the end."""
    name = laboratory.unique("point")
    done = playbook("checkpoint", **inputs.checkpoint(PART, name, dr_checkpoint_hmac_key=KEY, dr_checkpoint_full_every=1))
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.secret is None or place.secret not in done.stdout + done.stderr
    yield name
    # Both sites' records stand for the same objects: deleting the remote ones deletes the data of both.
    for site in ("remote", "primary"):
        for one in cloud(site).block_storage.backups():
            if one.metadata.get("osdr_checkpoint") == name:
                cloud(site).block_storage.delete_backup(one.id)


def info(**arguments):
    return module("os_checkpoint_info", **{"cloud": "remote", "application": NAME, "hmac_key": KEY, **arguments})


def test_a_checkpoint_is_published_there_and_not_in_swift(checkpoint):
    assert [one["id"] for one in info()["checkpoints"]] == [checkpoint]
    there = cloud("remote").object_store.get(f"/osdr-catalogue/{NAME}/{checkpoint}.json")
    assert there.status_code == 404


def test_it_counts_as_a_recovery_point(checkpoint):
    done = playbook("rpo", dr_rpo_cloud="remote", dr_rpo_hmac_key=KEY, dr_rpo_applications=[NAME], dr_rpo_max_age=86400)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_lost_there_is_rebuilt_from_the_backups(place, checkpoint):
    place.delete(stored(checkpoint))
    assert info()["checkpoints"] == []
    done = playbook("catalogue_rebuild", dr_catalogue_cloud="remote", dr_catalogue_hmac_key=KEY, dr_catalogue_application=NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["id"] for one in info()["checkpoints"]] == [checkpoint]


def test_a_copy_in_another_directory_is_read_when_it_has_arrived(place, checkpoint, tmp_path):
    """Half of it is damage; the whole is the same checkpoint, with the same signature."""
    whole = place.read(stored(checkpoint))
    copy = tmp_path / "copy" / stored(checkpoint)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(whole[: len(whole) // 2])
    (copy.parent / f".{copy.name}.Xy12zA").write_bytes(whole)
    with entries(tmp_path, {"directory": str(tmp_path / "copy")}):
        half = info()
        assert (half["checkpoints"], [one["name"] for one in half["damaged"]]) == ([], [f"{NAME}/{checkpoint}.json"])
        copy.write_bytes(whole)
        assert [one["id"] for one in info()["checkpoints"]] == [checkpoint]
