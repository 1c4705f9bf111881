# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that people write, held to a JSON schema (draft 2020-12); what is wrong is said in their words."""

from __future__ import annotations

import typing as t

from .libraries import library

_TYPES = {
    "string": "a text (in quotes)",
    "boolean": "true or false",
    "object": "a dictionary",
    "array": "a list",
    "integer": "a whole number",
    "null": "null",
}
_LONGEST_VALUE = 200


def closed(required: t.Sequence[str] = (), /, **properties: t.Any) -> dict[str, t.Any]:
    """The schema of an object with no other members."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def schema_problems(document: t.Mapping[str, t.Any], schema: t.Mapping[str, t.Any], what: str) -> list[str]:
    """Everything in which a document differs from its schema; a pattern is told by the ``description`` beside it.

    :param what: how messages call the document.
    """
    jsonschema = library("jsonschema", "jsonschema")
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(document), key=lambda one: [str(step) for step in one.path])
    return [problem for error in errors for problem in _in_words(error, what)]


def _in_words(error: t.Any, what: str) -> t.Iterator[str]:
    where = "/".join(str(step) for step in error.path) or what
    value, wanted = error.instance, error.validator_value
    if "propertyNames" in error.schema_path:
        where = f"a key of {where}"
    if error.validator == "additionalProperties":
        known = ", ".join(error.schema["properties"])
        for key in sorted(str(key) for key in value if key not in error.schema["properties"]):
            yield f"{where} has the unknown key '{key}'; known are {known}"
    elif error.validator == "required":
        for key in wanted:
            if key not in value and f"'{key}'" in error.message:
                yield f"{where} has no '{key}'"
    elif error.validator == "enum":
        yield f"{where} is {_shown(value)}; use one of {', '.join(wanted)}"
    elif error.validator == "type":
        wanted = [wanted] if isinstance(wanted, str) else wanted
        yield f"{where} is {_shown(value)}; it must be {' or '.join(_TYPES[one] for one in wanted)}"
    elif error.validator == "pattern" and "description" in error.schema:
        yield f"{where} is {_shown(value)}; it must be {error.schema['description']}"
    else:
        yield f"{where}: {error.message[:_LONGEST_VALUE]}"


def _shown(value: t.Any) -> str:
    """A value as messages quote it; one of many parts may have secrets among them."""
    if isinstance(value, (dict, list)):
        return _TYPES["object" if isinstance(value, dict) else "array"]
    return repr(value)[:_LONGEST_VALUE]
