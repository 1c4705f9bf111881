# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a site plan, stricter than YAML is: what is there twice would hide what was there before, and protect half of a plan.

Ansible's own loader takes the last one, with a warning, and gives texts with notes of where they come from, which queries do not take.
"""

from __future__ import annotations

import functools
import typing as t

from ..core.errors import SitePlanInvalid
from ..core.libraries import library
from ..core.text import told

#: Values; ten thousand applications have half a million.
LARGEST = 2_000_000
_TIME = "tag:yaml.org,2002:timestamp"


def plan_in(text: str) -> t.Any:
    """What a file says, as plain data; a time is the text that it was written as, as in a module's option.

    :raises SitePlanInvalid: when it is no YAML, or says something twice.
    """
    yaml = library("yaml", "PyYAML")
    loader = _loader()(text)
    try:
        document = loader.get_single_data()
    # Ansible tells the cause as well, which says the same.
    except yaml.YAMLError as error:
        raise SitePlanInvalid([_in_words(error)]) from None
    except RecursionError:
        raise SitePlanInvalid(["It is nested too deeply."]) from None
    finally:
        loader.dispose()
    _refuse_endless(document)
    return document


@functools.cache
def _loader() -> t.Any:
    """The class of loaders: in C where the library has that, which is ten times as fast."""
    yaml = library("yaml", "PyYAML")
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.items()

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: t.ClassVar = {first: [(tag, one) for tag, one in found if tag != _TIME] for first, found in resolvers}

        def construct_document(self, node: t.Any) -> t.Any:
            _refuse_repeated(node)
            return super().construct_document(node)

    return Loader


def _refuse_repeated(root: t.Any) -> None:
    """Refuse a dictionary that has a key twice; before what it merges is in it, which its own keys may replace."""
    yaml = library("yaml", "PyYAML")
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        waiting += [value for _key, value in node.value]
        keys: set[str] = set()
        for key in (key for key, _value in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is there twice", key.start_mark)
            keys.add(key.value)


def _refuse_endless(document: t.Any) -> None:
    """Refuse what is small in the file, and without end where its references are followed."""
    waiting, count = [document], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > LARGEST:
            raise SitePlanInvalid([f"It has more than {LARGEST:,} values, or contains itself."])
        if isinstance(one, (dict, list)):
            waiting += one.values() if isinstance(one, dict) else one


def _in_words(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"Line {mark.line + 1}: {told(problem)}." if mark and problem else f"It is not YAML: {told(error)}."
