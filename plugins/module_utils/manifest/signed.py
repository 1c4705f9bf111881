# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How documents are stored: canonical JSON with its SHA-256 digest inside, and signed where there is a key.

Whoever may write where they are stored may also damage or forge them, so nothing is believed of what is read. Each
function is given the error that tells which kind of document it was.
"""

from __future__ import annotations

import collections
import hashlib
import hmac
import json
import math
import typing as t

from ..core.errors import DocumentInvalid
from ..core.libraries import library

Document = t.Mapping[str, t.Any]
Invalid = type[DocumentInvalid]

_DEEPEST = 50
_LONGEST_NUMBER = 40


def dump(document: Document, key: str | None = None) -> bytes:
    """A document as it is stored."""
    added = {"digest": _digest(document)}
    if key is not None:
        added["signature"] = _signature(document, key)
    return _canonical({**document, **added})


def load(content: bytes, key: str | None, invalid: Invalid) -> dict[str, t.Any]:
    """Read a stored document and check its digest, and its signature where there is a key.

    :raises DocumentInvalid: when it is damaged, not signed with the key, or no such document at all.
    """
    document = _decode(content, invalid)
    if not isinstance(document, dict):
        raise invalid(f"The {invalid.what} is no JSON object.")
    refuse_deep(document, invalid)
    digest, signature = document.pop("digest", None), document.pop("signature", None)
    if digest != _digest(document):
        raise invalid(f"The {invalid.what}'s digest does not match its content: it was changed or damaged.")
    if key is not None:
        _refuse_foreign(document, signature, key, invalid)
    return document


def validate(document: Document, schema: Document, invalid: Invalid) -> None:
    """:raises DocumentInvalid: when the document does not follow its schema."""
    jsonschema = library("jsonschema", "jsonschema")
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(document), key=lambda e: list(e.path))
    if errors:
        listed = "; ".join(f"{'/'.join(map(str, e.path)) or 'document'}: {e.message[:200]}" for e in errors[:5])
        raise invalid(f"The {invalid.what} does not follow its schema ({len(errors)} problems): {listed}.")


def refuse_deep(document: t.Any, invalid: Invalid) -> None:
    """What is nested without end makes every later function fail that follows it."""
    level = [document]
    for _depth in range(_DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise _too_deep(invalid)


def _inside(value: t.Any) -> t.Iterable[t.Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(invalid: Invalid) -> DocumentInvalid:
    return invalid(f"The {invalid.what} is nested deeper than {_DEEPEST} levels.")


def _digest(document: Document) -> str:
    return "sha256:" + hashlib.sha256(_canonical(document)).hexdigest()


def _signature(document: Document, key: str) -> str:
    return "hmac-sha256:" + hmac.new(key.encode(), _canonical(document), hashlib.sha256).hexdigest()


def _refuse_foreign(document: Document, signature: t.Any, key: str, invalid: Invalid) -> None:
    if signature is None:
        raise invalid(f"The {invalid.what} is not signed.", "With hmac_key, only what was signed with this key is accepted.")
    if not hmac.compare_digest(str(signature).encode(), _signature(document, key).encode()):
        raise invalid(f"The {invalid.what}'s signature does not match hmac_key: it was signed with another key, or forged.")


def _canonical(document: Document) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _decode(content: bytes, invalid: Invalid) -> t.Any:
    """Read JSON that has no second reading: what one parser takes and another refuses or understands otherwise is refused."""
    hooks = {"object_pairs_hook": _members, "parse_int": _integer, "parse_float": _number, "parse_constant": _number}
    try:
        document = json.loads(content.decode(), **hooks)
        # A lone surrogate passes as an escape, and cannot be written anywhere.
        json.dumps(document, ensure_ascii=False).encode()
    except RecursionError as error:
        raise _too_deep(invalid) from error
    except UnicodeError as error:
        raise invalid(f"The {invalid.what} is no UTF-8 text ({error}).") from error
    except ValueError as error:
        raise invalid(f"The {invalid.what} is no JSON document ({error}).") from error
    return document


def _members(pairs: t.Sequence[tuple[str, t.Any]]) -> dict[str, t.Any]:
    counts = collections.Counter(name for name, _value in pairs)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"an object has member '{twice[:100]}' twice")
    return dict(pairs)


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_LONGEST_NUMBER]} is no number")
    return number
