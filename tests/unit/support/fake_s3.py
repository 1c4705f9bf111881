# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3-compatible store in memory, which answers the requests of boto3's real client before they go to the network."""

from __future__ import annotations

import io
import threading
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse


class FakeS3:
    """Buckets by path, as every store beside AWS has them.

    :ivar buckets: content by key.
    :ivar conditions: whether ``If-None-Match`` is heeded; None for a store that says that it knows none.
    :ivar troubles: answers that are given in the place of the next ones, whatever they are to: status and body.
    :ivar answers: those that are always given for a key.
    :ivar page: how many keys are listed at once.
    :ivar requests: all that came, as method and path.
    """

    def __init__(self, *buckets):
        self.buckets = {name: {} for name in buckets}
        self.kinds = {}
        self.conditions = True
        self.troubles = []
        self.answers = {}
        self.page = 2
        self.requests = []
        self._lock = threading.Lock()

    def answer(self, request, **_others):
        """Registered with a client for its event ``before-send``."""
        url = urlsplit(request.url)
        with self._lock:
            self.requests.append((request.method, url.path))
            status, body = self.troubles.pop(0) if self.troubles else self._served(request, url)
        raw = body if hasattr(body, "stream") else _Raw(body)
        return AWSResponse(request.url, status, {"Content-Length": str(len(raw.content)), "Content-Type": "application/xml"}, raw)

    def _served(self, request, url):
        _nothing, bucket, *key = url.path.split("/", 2)
        there = self.buckets.get(bucket)
        if there is None:
            return _error(404, "NoSuchBucket")
        key = unquote(key[0]) if key else ""
        if key in self.answers:
            return self.answers[key]
        return getattr(self, f"_{request.method.lower()}")(there, key, request, parse_qs(url.query))

    def _get(self, there, key, _request, query):
        if not key:
            return self._page(there, query)
        return (200, there[key]) if key in there else _error(404, "NoSuchKey")

    def _page(self, there, query):
        prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
        names = [name for name in sorted(there) if name.startswith(prefix) and name > after]
        encoding = query.get("encoding-type", [""])[0]
        shown = quote if encoding else escape
        listed = "".join(f"<Contents><Key>{shown(name)}</Key><Size>{len(there[name])}</Size></Contents>" for name in names[: self.page])
        more = f"<NextContinuationToken>{escape(names[self.page - 1])}</NextContinuationToken>" if len(names) > self.page else ""
        truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        return 200, f"<ListBucketResult><EncodingType>{encoding}</EncodingType>{truncated}{more}{listed}</ListBucketResult>".encode()

    def _put(self, there, key, request, _query):
        if request.headers.get("If-None-Match"):
            if self.conditions is None:
                return _error(501, "NotImplemented")
            if self.conditions and key in there:
                return _error(412, "PreconditionFailed")
        body = request.body or b""
        there[key], self.kinds[key] = body if isinstance(body, bytes) else body.read(), request.headers["Content-Type"].decode()
        return 200, b""

    def _delete(self, there, key, _request, _query):
        there.pop(key, None)
        return 204, b""


class _Raw:
    """A body as urllib3 has it."""

    def __init__(self, content):
        self.content = content
        self._rest = io.BytesIO(content)

    def stream(self, **_options):
        yield self._rest.read()

    def read(self, amount=None):
        return self._rest.read(amount)

    def close(self):
        self._rest.close()


def _error(status, code):
    return status, f"<Error><Code>{code}</Code><Message>As this store words it.</Message></Error>".encode()
