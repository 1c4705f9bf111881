# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in a bucket of an S3-compatible store (AWS, Ceph's RGW, MinIO, Swift's s3api), by boto3, which need not be there otherwise.

This is the only place that knows boto3.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import typing as t
from urllib.parse import urlsplit

from ..cloud.streams import beginning
from ..core.errors import CloudError, InvalidInput, NotFound
from ..core.libraries import library
from ..core.text import told
from .home import Home
from .names import folder_prefix, parts_of
from .store import CONTENT_TYPE, CatalogueStore, StoredDocument

_PACKAGE = "boto3"
_OLDEST = "1.36"
_LONGEST_REASON = 500
#: Answers to a request with a condition: it does not hold, another request on the same name was faster, and the store knows none.
_IS_THERE, _OVERTAKEN, _NO_CONDITIONS = 412, 409, 501
_BLOCK_BYTES = 256 * 1024
#: What reading an answer ends with that is not what was asked for.
_NONSENSE = (AttributeError, LookupError, TypeError, ValueError)
#: How a client asks: what may be repeated is, with growing pauses, also where a store answers that it is asked too often. Checksums beyond S3's first form are
#: refused by stores that do not know them.
_MANNERS = {
    "retries": {"mode": "standard", "total_max_attempts": 6},
    "connect_timeout": 10,
    "read_timeout": 60,
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
_HINTS = {
    "NoSuchBucket": "Make the bucket, or correct its name in clouds.yaml.",
    "AccessDenied": "The key lacks the permission for it.",
    "InvalidAccessKeyId": "Check access_key in clouds.yaml.",
    "SignatureDoesNotMatch": "Check secret_key in clouds.yaml, and the region.",
    "RequestTimeTooSkewed": "Correct the clock of the machine that runs the modules.",
    # Boto3's own.
    "EndpointConnectionError": "Check endpoint in clouds.yaml.",
    "SSLError": "Check endpoint in clouds.yaml, and the file of certificate authorities that is its cacert.",
    "NoCredentialsError": "Give access_key and secret_key in clouds.yaml.",
}


@dataclasses.dataclass(frozen=True)
class S3Settings:
    """Where a bucket is, and as whom it is reached.

    :param endpoint: URL of the store; None for AWS.
    :param prefix: what all names in the bucket begin with, without a slash at its end; may be empty.
    :param access_key: None for what boto3 finds by itself: AWS_* variables, ~/.aws, the role of a machine.
    :param verify: whether the store's certificate is verified.
    :param cacert: path of the certificate authorities by which it is.
    """

    bucket: str
    endpoint: str | None = None
    region: str | None = None
    prefix: str = ""
    access_key: str | None = dataclasses.field(default=None, repr=False)
    secret_key: str | None = dataclasses.field(default=None, repr=False)
    verify: bool = True
    cacert: str | None = None

    @classmethod
    def parse(cls, given: t.Any) -> S3Settings:
        """Read what clouds.yaml says.

        :raises ValueError: when it cannot be used; values are not in the message, as one of them is a secret.
        """
        if not isinstance(given, dict):
            raise ValueError("'s3' must have members")
        there = {name: value for name, value in given.items() if value is not None}
        _refuse_unknown(there)
        _refuse_other_kinds(there)
        if not there.get("bucket"):
            raise ValueError("'s3' has no bucket")
        if ("access_key" in there) != ("secret_key" in there):
            raise ValueError("'s3' needs both access_key and secret_key, or neither")
        if not _is_endpoint(there.get("endpoint")):
            raise ValueError("'endpoint' of 's3' must be like https://s3.example.com, without a user and a path of its own")
        return cls(**{**there, "prefix": there.get("prefix", "").strip("/")})

    def client(self) -> t.Any:
        """Boto3's client; it may be used by several threads at once."""
        boto3, config = library("boto3.session", _PACKAGE), library("botocore.config", _PACKAGE)
        exceptions = library("botocore.exceptions", _PACKAGE)
        try:
            return boto3.Session().client(
                "s3",
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                verify=(self.cacert or True) if self.verify else False,
                config=config.Config(**_MANNERS),
            )
        except TypeError as error:
            raise InvalidInput(f"The Python library {_PACKAGE} is too old: the catalogue in S3 needs {_OLDEST} or later.", "Install a newer one.") from error
        except (exceptions.BotoCoreError, ValueError) as error:
            raise InvalidInput(f"Bucket '{self.bucket}' cannot be reached: {told(error, _LONGEST_REASON)}.", "Correct it in clouds.yaml.") from error


def _refuse_unknown(given: t.Mapping[str, t.Any]) -> None:
    known = {field.name for field in dataclasses.fields(S3Settings)}
    unknown = ", ".join(sorted(told(name) for name in given.keys() - known))
    if unknown:
        raise ValueError(f"'s3' does not know {unknown}; it knows {', '.join(sorted(known))}")


def _refuse_other_kinds(given: t.Mapping[str, t.Any]) -> None:
    for name, value in given.items():
        if not isinstance(value, bool if name == "verify" else str):
            raise ValueError(f"'{name}' of 's3' must be {'true or false' if name == 'verify' else 'a text'}")
        # A key with the end of its line would be refused as part of a header, in a message that quotes the header.
        if isinstance(value, str) and (not value.isprintable() or value != value.strip()):
            raise ValueError(f"'{name}' of 's3' must be one line, without spaces around it")


def _is_endpoint(given: str | None) -> bool:
    if given is None:
        return True
    parts = urlsplit(given)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.path in ("", "/") and not parts.query


class S3Store(CatalogueStore):
    """One catalogue in a bucket, which must be there."""

    def __init__(self, settings: S3Settings, home: Home) -> None:
        self._settings = settings
        self._home = home

    @classmethod
    def parse(cls, given: t.Any, home: Home) -> S3Store:
        """Read what clouds.yaml says.

        :raises ValueError: when it cannot be used.
        """
        return cls(S3Settings.parse(given), home)

    @property
    def place(self) -> str:
        at = self._settings.endpoint or "AWS"
        return f"folder '{self._folder}' of bucket '{self._settings.bucket}' at {at} for site '{self._home.cloud.site}'"

    @property
    def identity(self) -> str:
        return self._home.path

    @functools.cached_property
    def client(self) -> t.Any:
        return self._settings.client()

    @functools.cached_property
    def _folder(self) -> str:
        prefix = self._settings.prefix
        return f"{prefix}/{self._home.path}" if prefix else self._home.path

    def documents(self, folder: str = "") -> list[StoredDocument]:
        catalogue = f"{self._folder}/"
        with self._calling("list the documents"):
            asked = {"Bucket": self._settings.bucket, "Prefix": catalogue + folder_prefix(folder)}
            pages = self.client.get_paginator("list_objects_v2").paginate(**asked)
            found = [one for page in pages for one in _listed(page)]
            return [StoredDocument(one["Key"].removeprefix(catalogue), int(one["Size"])) for one in found]

    def read(self, name: str, at_most: int) -> bytes:
        with self._calling(f"read '{name}'"), contextlib.closing(self.client.get_object(**self._object(name))["Body"]) as body:
            return beginning(body.iter_chunks(_BLOCK_BYTES), at_most)

    def write(self, name: str, content: bytes) -> None:
        with self._calling(f"write '{name}'"):
            self._put(name, content)

    def write_new(self, name: str, content: bytes) -> None:
        with self._calling(f"write '{name}'"):
            self._put_new(name, content)

    def delete(self, name: str) -> None:
        with contextlib.suppress(NotFound), self._calling(f"delete '{name}'"):
            self.client.delete_object(**self._object(name))

    def _put(self, name: str, content: bytes, **condition: str) -> None:
        self.client.put_object(**self._object(name), Body=content, ContentType=CONTENT_TYPE, **condition)

    def _put_new(self, name: str, content: bytes) -> None:
        try:
            self._put(name, content, IfNoneMatch="*")
        except library("botocore.exceptions", _PACKAGE).ClientError as error:
            if _status(error) == _NO_CONDITIONS:
                self._put(name, content)
            elif _status(error) not in (_IS_THERE, _OVERTAKEN):
                raise

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._settings.bucket, "Key": "/".join((self._folder, *parts_of(name)))}

    @contextlib.contextmanager
    def _calling(self, what: str) -> t.Iterator[None]:
        """Turn what boto3 raises inside into ours.

        :param what: completes "Could not ...".
        """
        exceptions, parsers = library("botocore.exceptions", _PACKAGE), library("botocore.parsers", _PACKAGE)
        transport = library("urllib3.exceptions", "urllib3")
        try:
            yield
        except exceptions.ClientError as error:
            code = _code(error)
            # Not a bucket that is not there, and not what a proxy on the way does not find: that is no empty catalogue.
            kind = NotFound if code == "NoSuchKey" else CloudError
            raise kind(self._message(what, error), _HINTS.get(code), http_status=_status(error)) from error
        except (exceptions.BotoCoreError, transport.HTTPError) as error:
            raise CloudError(self._message(what, error), _HINTS.get(type(error).__name__)) from error
        except (parsers.ResponseParserError, *_NONSENSE) as error:
            raise CloudError(self._message(what, f"the answer makes no sense ({error!r})")) from error

    def _message(self, what: str, reason: object) -> str:
        return f"Could not {what} in {self.place}: {told(reason, _LONGEST_REASON).rstrip('.')}."


def _listed(page: t.Mapping[str, t.Any]) -> t.Sequence[t.Mapping[str, t.Any]]:
    """What a page lists. A proxy's empty page is no list without anything in it, and one that does not say where it goes on is no whole list.

    :raises LookupError: when it is no page.
    """
    if page.get("IsTruncated") and not page.get("NextContinuationToken"):
        raise LookupError("there is more, but it does not say where")
    return page.get("Contents", ()) if "IsTruncated" in page else page["Contents"]


def _code(error: t.Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: t.Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
