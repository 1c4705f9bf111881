# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library without threads, for tests that run it many times: they take long on a busy machine, and another order each time."""

from __future__ import annotations

import collections
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


_WHOLE = sdk.Resource.to_dict
_CONCURRENT = SimpleNamespace(futures=SimpleNamespace(ThreadPoolExecutor=_AtOnce, wait=concurrent.futures.wait))


class _Quick:
    """What the SDK does anew with every resource, although it depends on the kind alone or nobody asks for it: most of all the time."""

    def __init__(self) -> None:
        attributes, self._mappings = _of(sdk.Resource._attributes_iterator), functools.cache(_of(sdk.Resource._get_mapping))
        self._attributes = functools.cache(lambda *given: tuple(attributes(*given)))
        #: Per mapping, its keys by whatever an answer may call them.
        self._keys: dict[int, dict[str, list[str]]] = {}

    def attributes(self, kind: t.Any, *components: t.Any) -> tuple[tuple[str, t.Any], ...]:
        return self._attributes(kind, *components)

    def mapping(self, kind: t.Any, component: t.Any) -> t.Any:
        return self._mappings(kind, component)

    def consume(self, mapping: t.MutableMapping[str, str], attrs: dict[str, t.Any]) -> dict[str, t.Any]:
        keys = self._keys.get(id(mapping))
        if keys is None:
            keys = self._keys[id(mapping)] = collections.defaultdict(list)
            for key, value in mapping.items():
                for name in sorted({key.lower(), value.lower()}):
                    keys[name].append(key)
        there = {name: keys[name.lower()] for name in attrs if name.lower() in keys and (name in mapping or name in mapping.values())}
        found = {key: attrs[name] for name, matching in there.items() for key in matching}
        for name in there:
            del attrs[name]
        return found

    @staticmethod
    def whole(resource: t.Any, **how: t.Any) -> dict[str, t.Any]:
        """What a resource keeps a copy of when it is made, so that it is not empty, and that "get" looks into; whatever else asks says how."""
        return _WHOLE(resource, **how) if how else {"id": None}


def _of(method: t.Any) -> t.Callable[..., t.Any]:
    return t.cast("t.Callable[..., t.Any]", method.__func__)


_QUICK = _Quick()


@contextlib.contextmanager
def found_out_once() -> t.Iterator[None]:
    """Have the SDK find out once per kind of resource which attributes it has: otherwise that takes half the time of all tests with clouds in memory."""
    with mock.patch.multiple(sdk.Resource, _attributes_iterator=classmethod(_QUICK.attributes), _get_mapping=classmethod(_QUICK.mapping)):
        yield


@contextlib.contextmanager
def at_once() -> t.Iterator[None]:
    """Do one thing after the other, and no more than is needed."""
    quick: dict[str, t.Any] = {
        "_consume_attrs": lambda _resource, mapping, attrs: _QUICK.consume(mapping, attrs),
        "to_dict": _QUICK.whole,
        "get": lambda resource, name, default=None: _WHOLE(resource).get(name, default),
    }
    with mock.patch.object(pool, "concurrent", _CONCURRENT), found_out_once(), mock.patch.multiple(sdk.Resource, **quick):
        yield
