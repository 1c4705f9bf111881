# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library without threads, for tests that run it many times: they take long on a busy machine, and another order each time."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import typing as t
from types import SimpleNamespace
from unittest import mock

import openstack.resource as sdk
from ansible_collections.osdr.openstack.plugins.module_utils.work import pool


class _AtOnce(concurrent.futures.Executor):
    """Does everything when it is asked to."""

    def __init__(self, max_workers: int) -> None:
        super().__init__()

    def submit(self, fn: t.Callable[..., t.Any], /, *args: t.Any, **kwargs: t.Any) -> concurrent.futures.Future[t.Any]:
        future: concurrent.futures.Future[t.Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


_CONCURRENT = SimpleNamespace(futures=SimpleNamespace(ThreadPoolExecutor=_AtOnce, wait=concurrent.futures.wait))
_REAL_ATTRIBUTES = t.cast(t.Any, sdk.Resource._attributes_iterator).__func__


@functools.cache
def _attributes(kind: t.Any, *components: t.Any) -> tuple[tuple[str, t.Any], ...]:
    """The SDK looks for the attributes of a kind of resource with every resource, which is half of all the time."""
    return tuple(_REAL_ATTRIBUTES(kind, *components))


@contextlib.contextmanager
def at_once() -> t.Iterator[None]:
    """Do one thing after the other."""
    with mock.patch.object(pool, "concurrent", _CONCURRENT), mock.patch.object(sdk.Resource, "_attributes_iterator", classmethod(_attributes)):
        yield
