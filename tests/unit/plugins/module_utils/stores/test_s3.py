# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in S3: boto3's real client against answers as S3-compatible stores give them."""

from __future__ import annotations

import dataclasses
import sys

import pytest
import urllib3
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, CloudError, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.stores import s3 as module
from ansible_collections.osdr.openstack.plugins.module_utils.stores.s3 import S3Settings, S3Store
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.stores import S3_URL, InS3, home
from botocore import exceptions

TEN = shop.taken("ten", "2026-01-01T10:00:00Z")
NOON = shop.taken("noon", "2026-01-01T12:00:00Z")
PLACE = f"folder 'of/shop/project/osdr-catalogue' of bucket 'dr' at {S3_URL} for site 'remote'"
BUSY = (503, b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>")


@pytest.fixture
def kind(monkeypatch):
    # How long the client waits before it asks again.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    return InS3()


@pytest.fixture
def store(kind):
    return kind.store()


def refused(status, code, message="Not so."):
    return status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def test_documents_are_objects_in_a_folder_of_their_catalogue(kind, store):
    store.write("shop/ten.json", b"{}")
    store.write_new("shop/noon.json", b"{}")
    assert kind.s3.kinds == {f"of/shop/project/osdr-catalogue/shop/{name}.json": "application/json" for name in ("ten", "noon")}
    assert kind.s3.requests[-1] == ("PUT", "/dr/of/shop/project/osdr-catalogue/shop/noon.json")
    assert store.place == PLACE


@pytest.mark.parametrize(("prefix", "expected"), [("", ""), ("/", ""), ("a/b/", "a/b/"), (None, "")])
def test_a_bucket_may_be_shared_by_its_prefix(kind, prefix, expected):
    made = S3Store(S3Settings.parse({"bucket": "dr", "prefix": prefix}), home())
    made.client = kind.store().client
    made.write("shop/ten.json", b"{}")
    assert list(kind.s3.buckets["dr"]) == [f"{expected}project/osdr-catalogue/shop/ten.json"]
    assert made.names() == ["shop/ten.json"]
    assert "of bucket 'dr' at AWS" in made.place


# What goes wrong


def test_a_bucket_that_is_not_there_is_no_empty_catalogue(kind, store):
    del kind.s3.buckets["dr"]
    for use in (store.documents, lambda: store.read("shop/ten.json", 1), lambda: store.write("shop/ten.json", b""), lambda: store.delete("shop/ten.json")):
        with pytest.raises(CloudError, match="NoSuchBucket") as raised:
            use()
        assert not isinstance(raised.value, NotFound)
        assert raised.value.hint == "Make the bucket, or correct its name in clouds.yaml."


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "AccessDenied", "The key lacks the permission for it"),
        (403, "InvalidAccessKeyId", "Check access_key in clouds.yaml."),
        (403, "SignatureDoesNotMatch", "Check secret_key in clouds.yaml"),
        (403, "RequestTimeTooSkewed", "Correct the clock"),
        (400, "Unheard", None),
    ],
)
def test_a_refusal_is_told_with_what_to_do(kind, store, status, code, hint):
    kind.s3.troubles = [refused(status, code)]
    with pytest.raises(CloudError) as raised:
        store.write("shop/ten.json", b"{}")
    assert raised.value.message.startswith(f"Could not write 'shop/ten.json' in {PLACE}: ")
    assert (code in raised.value.message, raised.value.http_status) == (True, status)
    assert (raised.value.hint or "").startswith(hint or "") and bool(raised.value.hint) is bool(hint)


@pytest.mark.parametrize("body", [b"", b"<html>Not here</html>", b"<Error><Code>NoSuchWebsite</Code></Error>"])
def test_what_a_proxy_does_not_find_is_no_document_that_is_not_there(kind, store, body):
    """An application would run nowhere, and a checkpoint be taken again in the place of another one."""
    for use in (store.documents, lambda: store.read("shop/ten.json", 1), lambda: store.delete("shop/ten.json"), lambda: Catalogue(store).active("shop")):
        kind.s3.troubles = [(404, body)]
        with pytest.raises(CloudError) as raised:
            use()
        assert not isinstance(raised.value, NotFound)


@pytest.mark.parametrize(
    ("settings", "told", "hint"),
    [
        ({"endpoint": "http://127.0.0.1:1"}, "Could not connect", "Check endpoint in clouds.yaml."),
        ({"access_key": None, "secret_key": None}, "Unable to locate credentials", "Give access_key and secret_key in clouds.yaml."),
    ],
)
def test_what_never_reaches_a_store_is_told_with_what_to_do(monkeypatch, settings, told, hint):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", lambda _self: None)
    given = {"bucket": "dr", "endpoint": "http://127.0.0.1:1", "access_key": "me", "secret_key": "s", **settings}
    with pytest.raises(CloudError, match=told) as raised:
        S3Store.parse(given, home()).documents()
    assert raised.value.hint == hint


def test_certificates_that_are_not_believed_are_told_with_what_to_do(store, monkeypatch):
    def refuse(*_given, **_options):
        raise exceptions.SSLError(endpoint_url=S3_URL, error="self-signed certificate")

    monkeypatch.setattr(store.client, "get_object", refuse)
    with pytest.raises(CloudError, match="self-signed certificate") as raised:
        store.read("shop/ten.json", 1)
    assert "cacert" in raised.value.hint


def test_no_secret_is_in_any_message(kind, store):
    kind.s3.troubles = [refused(403, "SignatureDoesNotMatch", "by me")]
    with pytest.raises(CloudError) as raised:
        store.documents()
    assert "my secret" not in str(raised.value) + repr(raised.value) + repr(kind.SETTINGS) + store.place


def test_what_a_store_says_moves_no_terminal(kind, store):
    kind.s3.troubles = [refused(400, "Unheard", "a&#10;b&#155;31m" + "c" * 1000)]
    with pytest.raises(CloudError) as raised:
        store.documents()
    assert raised.value.message.isprintable() and len(raised.value.message) < 800


def test_a_store_that_is_busy_is_asked_again(kind, store):
    kind.s3.troubles = [BUSY, (429, b""), (500, b"")]
    store.write("shop/ten.json", b"{}")
    kind.s3.troubles = [BUSY]
    assert store.names() == ["shop/ten.json"]


def test_a_store_that_stays_busy_is_told(kind, store):
    kind.s3.troubles = [BUSY] * 20
    with pytest.raises(CloudError, match="SlowDown") as raised:
        store.names()
    assert (raised.value.may_pass, len(kind.s3.requests)) == (True, 6)


@pytest.mark.parametrize("body", [b"<html>Welcome", b"", b"\xff\x00", b"<ListBucketResult><Contents><Size>x</Size></Contents></ListBucketResult>"])
def test_an_answer_that_makes_no_sense_is_no_empty_catalogue(kind, store, body):
    kind.s3.troubles = [(200, body)] * 20
    with pytest.raises(CloudError, match="Could not list the documents in folder .*(the answer makes no sense|Internal Server Error)"):
        store.documents()


def test_a_list_that_ends_in_the_middle_is_no_list(kind, store):
    begun = b"<IsTruncated>true</IsTruncated><Contents><Key>k</Key><Size>1</Size></Contents>"
    kind.s3.troubles = [(200, b"<ListBucketResult>" + begun + b"</ListBucketResult>")]
    with pytest.raises(CloudError, match="there is more, but it does not say where"):
        store.documents()


def test_a_list_that_never_ends_is_no_list(kind, store):
    again = b"<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
    kind.s3.troubles = [(200, b"<ListBucketResult>" + again + b"</ListBucketResult>")] * 20
    with pytest.raises(CloudError, match="Could not list the documents"):
        store.documents()


def test_more_than_fit_on_a_page_of_aws_are_all_listed(kind, store):
    kind.s3.page = 1000
    for number in range(1001):
        kind.plant(f"shop/c{number:04}.json", b"{}")
    kind.plant("shop/a b+c%2F&<ä>.json", b"{}")
    assert len(store.names("shop")) == 1002 and "shop/a b+c%2F&<ä>.json" in store.names("shop")


def test_an_object_without_a_name_or_size_is_no_answer(kind, store):
    kind.s3.troubles = [(200, b"<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>")]
    with pytest.raises(CloudError, match="Could not list the documents"):
        store.documents()


@pytest.mark.parametrize("end", [b"", urllib3.exceptions.ProtocolError("Connection broken"), urllib3.exceptions.SSLError("bad record")])
def test_a_content_that_breaks_off_is_told(kind, store, end):
    kind.s3.troubles = [(200, _BrokenOff(end))]
    with pytest.raises(CloudError, match="Could not read 'shop/ten.json' in folder"):
        store.read("shop/ten.json", 100)


class _BrokenOff:
    """A body of which less comes than was announced."""

    content = b"manifest"

    def __init__(self, end):
        self._answers = [b"mani", end]

    def stream(self, **_options):
        raise NotImplementedError

    def read(self, _amount=None):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        pass


def test_of_an_endless_object_only_the_beginning_is_taken(kind, store):
    endless = _Endless()
    kind.s3.troubles = [(200, endless)]
    assert store.read("shop/ten.json", 1000) == b" " * 1000
    assert (endless.taken <= 2 * 2**20, endless.closed) == (True, True)


class _Endless:
    content = b" " * 2**20

    def __init__(self):
        self.taken, self.closed = 0, False

    def stream(self, **_options):
        raise NotImplementedError

    def read(self, amount=None):
        self.taken += amount or 2**30
        return b" " * (amount or 2**30)

    def close(self):
        self.closed = True


def test_a_store_without_deletions_of_nothing_may_say_so(kind, store):
    kind.s3.troubles = [refused(404, "NoSuchKey")]
    store.delete("shop/ten.json")


# Conditions


def test_a_store_that_knows_no_conditions_and_says_so_is_written_to_without(kind, store):
    kind.s3.conditions = None
    store.write_new("shop/ten.json", b"{}")
    assert store.read("shop/ten.json", 10) == b"{}"


def test_where_a_store_passes_over_conditions_who_was_replaced_is_told(kind):
    """Unless it looked before that; as the guide says."""
    kind.s3.conditions = False
    first, second = kind.store(), kind.store()
    write = first.write_new

    def overtaken(name, content):
        write(name, content)
        second.write_new(name, NOON.dump())

    first.write_new = overtaken
    with pytest.raises(Busy, match="Another run has published checkpoint 'noon'"):
        Catalogue(first).publish_new(dataclasses.replace(NOON, checkpoint=dataclasses.replace(NOON.checkpoint, site="elsewhere")))
    assert Catalogue(second).find("shop", "noon") == NOON


def test_who_is_overtaken_while_writing_is_told_as_one_who_came_too_late(kind, store):
    """AWS answers so while another request on the same name is under way."""
    kind.s3.troubles = [refused(409, "ConditionalRequestConflict")]
    with pytest.raises(Busy, match="Another run has published checkpoint 'ten'"):
        Catalogue(store).publish_new(TEN)


def test_another_refusal_is_not_taken_for_a_document_that_is_there(kind, store):
    kind.s3.troubles = [refused(403, "AccessDenied")]
    with pytest.raises(CloudError, match="AccessDenied"):
        store.write_new("shop/ten.json", b"{}")


# What clouds.yaml says


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("dr", "'s3' must have members"),
        ({}, "'s3' has no bucket"),
        ({"bucket": ""}, "'s3' has no bucket"),
        ({"bucket": None}, "'s3' has no bucket"),
        ({"bucket": 7}, "'bucket' of 's3' must be a text"),
        ({"bucket": "dr", "secret": "x"}, "'s3' does not know secret; it knows access_key, bucket, cacert, endpoint, prefix, region, secret_key, verify"),
        ({"bucket": "dr", "access_key": "x"}, "'s3' needs both access_key and secret_key, or neither"),
        ({"bucket": "dr", "secret_key": "x"}, "'s3' needs both"),
        ({"bucket": "dr", "verify": "no"}, "'verify' of 's3' must be true or false"),
        ({"bucket": "dr", "access_key": "x@", "secret_key": "x@\n"}, "'secret_key' of 's3' must be one line, without spaces around it"),
        ({"bucket": "dr", "access_key": " x@", "secret_key": "x@"}, "'access_key' of 's3' must be one line"),
        ({"bucket": "dr", "endpoint": "s3.example.com"}, "'endpoint' of 's3' must be like"),
        ({"bucket": "dr", "endpoint": "https://me:x@s3.example.com"}, "without a user"),
        ({"bucket": "dr", "endpoint": "https://s3.example.com/dr"}, "without a user and a path"),
        ({"bucket": "dr", "endpoint": "file:///etc"}, "must be like"),
    ],
)
def test_what_cannot_be_used_is_told_without_values(given, problem):
    with pytest.raises(ValueError, match=problem) as raised:
        S3Settings.parse(given)
    assert "x@" not in str(raised.value)


CA = "/etc/ca.pem"


@pytest.mark.parametrize(("given", "verify"), [({}, True), ({"verify": False}, False), ({"cacert": CA}, CA), ({"cacert": CA, "verify": False}, False)])
def test_the_client_is_made_as_clouds_yaml_says(monkeypatch, given, verify):
    made = {}

    class Session:
        def client(self, service, **options):
            made.update(options, service=service)

    import boto3

    monkeypatch.setattr(boto3.session, "Session", Session)
    S3Settings.parse({"bucket": "dr", "endpoint": S3_URL, "region": "here", "access_key": "me", "secret_key": "s", **given}).client()
    assert (made["service"], made["endpoint_url"], made["region_name"], made["verify"]) == ("s3", S3_URL, "here", verify)
    assert (made["aws_access_key_id"], made["aws_secret_access_key"]) == ("me", "s")


def test_without_keys_boto3_finds_its_own(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    client = S3Settings.parse({"bucket": "dr", "endpoint": S3_URL}).client()
    assert client._request_signer._credentials.access_key == "from-the-environment"


def test_without_boto3_it_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    with pytest.raises(InvalidInput, match="The Python library boto3 cannot be imported") as raised:
        S3Store.parse({"bucket": "dr"}, home()).documents()
    assert "ansible_python_interpreter" in raised.value.hint


def test_a_boto3_that_is_too_old_is_told(monkeypatch):
    monkeypatch.setitem(module._MANNERS, "unheard_of", True)
    with pytest.raises(InvalidInput, match="boto3 is too old: the catalogue in S3 needs 1.36 or later"):
        S3Settings.parse({"bucket": "dr"}).client()


def test_a_client_that_cannot_be_made_is_told():
    with pytest.raises(InvalidInput, match="Bucket 'dr' cannot be reached: "):
        S3Settings.parse({"bucket": "dr", "region": "no region", "endpoint": S3_URL}).client()


def test_a_catalogue_hides_nothing_when_one_object_cannot_be_read(kind):
    Catalogue(kind.store()).publish(TEN)
    kind.plant("shop/noon.json", b"{}")
    kind.s3.answers["of/shop/project/osdr-catalogue/shop/noon.json"] = refused(403, "AccessDenied")
    found = Catalogue(kind.store()).checkpoints("shop", lambda manifest: manifest)
    assert (found.kept, "AccessDenied" in found.damaged[0].problem) == ((TEN,), True)
