# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How documents are stored: canonical JSON behind its SHA-256 digest, and behind its signature where there is a key.

Digest and signature stand first, at a fixed place, and are over the bytes of all that follows, so that they are verified before anything
is parsed. What follows names the place to which the document belongs. Documents of the first form, which have both among their other members and name no place,
are still read.

Whoever may write where documents are stored may also damage or forge them, so nothing is believed of what is read, and nothing
of it costs more than a document of its size may. Each function is given the error that tells which kind of document it was.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import hmac
import itertools
import json
import math
import re
import typing as t

from ..core.errors import DocumentInvalid
from ..core.libraries import library
from .conforming import Form

Document = t.Mapping[str, t.Any]
Invalid = type[DocumentInvalid]

_DEEPEST = 50
_LONGEST_NUMBER = 40
#: A manifest of a thousand servers has about ninety thousand.
_MOST_VALUES = 500_000
#: How many problems of a document a message lists, and how many characters of each.
_MOST_TOLD = 5
_LONGEST_TOLD = 200
_HEAD = re.compile(rb'\{"digest":"sha256:([0-9a-f]{64})",(?:"signature":"hmac-sha256:([0-9a-f]{64})",)?(?=")')
#: Keeps signatures of this form apart from those of the first one, which were over the bare document.
_DOMAIN = b"osdr.openstack document 2\n"
_PLACE = "place"
_DIGEST = "sha256:"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_FIRST_FORM_DIGEST = re.compile(rb'"digest":"sha256:[0-9a-f]{64}",')
_FIRST_FORM_SIGNATURE = re.compile(rb'"signature":"hmac-sha256:([0-9a-f]{64})",')
#: Members inside of a document may look like its own digest and signature: so many are tried.
_MOST_CANDIDATES = 4


@dataclasses.dataclass(frozen=True)
class Seal:
    """What ties a document to those who may write it, and to where it belongs.

    :param key: signs what is written, and is demanded of what is read; None to do without signatures.
    :param place: where the document is kept; None for one that is kept nowhere in particular.
    """

    key: str | None = None
    place: str | None = None


UNSEALED = Seal()


@dataclasses.dataclass(frozen=True)
class Stored:
    """A document that was read.

    :param is_bound: whether it names the place to which it belongs.
    :param digest: as it stands in what was read.
    """

    document: dict[str, t.Any]
    is_bound: bool
    digest: str


def dump(document: Document, seal: Seal = UNSEALED) -> bytes:
    """A document as it is stored."""
    body = _canonical({**document, **({_PLACE: seal.place} if seal.place else {})})
    head = {"digest": _DIGEST + hashlib.sha256(body).hexdigest()}
    if seal.key is not None:
        head["signature"] = "hmac-sha256:" + _signature(_DOMAIN + body, seal.key)
    return _canonical(head)[:-1] + b"," + body[1:]


def load(content: bytes, seal: Seal, invalid: Invalid) -> Stored:
    """Read a stored document and check its digest, and its signature and place where there is a key.

    :raises DocumentInvalid: when it is damaged, not signed with the key, of another place, or no such document at all.
    """
    head = _HEAD.match(content)
    return _load(content, head, seal, invalid) if head else _load_first_form(content, seal, invalid)


def _load(content: bytes, head: re.Match[bytes], seal: Seal, invalid: Invalid) -> Stored:
    return _placed(_object(_verified(content, head, seal, invalid), invalid), head, seal, invalid)


def _verified(content: bytes, head: re.Match[bytes], seal: Seal, invalid: Invalid) -> bytes:
    """The bytes of a document whose digest, and signature where there is a key, are right."""
    body = b"{" + content[head.end() :]
    if seal.key is not None:
        if head[2] is None:
            raise _unsigned(invalid)
        if not _is_signature(head[2], _DOMAIN + body, seal.key):
            raise _forged(invalid)
    if head[1].decode() != hashlib.sha256(body).hexdigest():
        raise _changed(invalid)
    return body


def _placed(document: dict[str, t.Any], head: re.Match[bytes], seal: Seal, invalid: Invalid) -> Stored:
    """A document without its place, which is the right one."""
    place = document.pop(_PLACE, None)
    if seal.key is not None and place is not None and place != seal.place:
        raise invalid(
            f"The {invalid.what} was signed for another place: {shown(place)}, not {seal.place} (project and container). Somebody copied it.",
            "Remove it; or, if you moved the catalogue there yourself, read it without the key.",
        )
    return Stored(document, place is not None, _DIGEST + head[1].decode())


def load_until(content: bytes, member: str, seal: Seal, invalid: Invalid) -> Stored | None:
    """Read the members of a stored document that stand before one of them, after the same checks as :func:`load` makes of the whole.

    What a reader of the whole would find is the same, unless it refuses the document for what stands after them.

    :returns: None for a document that must be read as a whole: of the first form, without that member, or not strictly JSON before it.
    :raises DocumentInvalid: when it is damaged, not signed with the key, or of another place.
    """
    head = _HEAD.match(content)
    if head is None:
        return None
    body = _verified(content, head, seal, invalid)
    if _has_too_many_values(body) or _SURROGATE.search(body):
        return None
    try:
        found = dict(_members_before(body.decode(), member))
        refuse_deep(found, invalid)
    except (ValueError, IndexError, RecursionError, invalid):
        return None
    return _placed(found, head, seal, invalid)


def _members_before(text: str, member: str) -> t.Iterator[tuple[str, t.Any]]:
    """The first members of an object that is written without blanks.

    :raises ValueError: when it is not, lacks the member, or has another one twice.
    """
    known: set[str] = set()
    place = 1
    while True:
        name, place = _STRICT.raw_decode(text, place)
        if not isinstance(name, str) or name in known or text[place] != ":":
            raise ValueError("not a new member")
        if name == member:
            return
        known.add(name)
        value, place = _STRICT.raw_decode(text, place + 1)
        if text[place] != ",":
            raise ValueError("no member follows")
        place += 1
        yield name, value


def _load_first_form(content: bytes, seal: Seal, invalid: Invalid) -> Stored:
    if seal.key is not None:
        _verify_first_form(content, seal.key, invalid)
    document = _object(content, invalid)
    digest, _ignored = document.pop("digest", None), document.pop("signature", None)
    if digest != _DIGEST + hashlib.sha256(_canonical(document)).hexdigest():
        raise _changed(invalid)
    return Stored(document, is_bound=False, digest=digest)


def _verify_first_form(content: bytes, key: str, invalid: Invalid) -> None:
    """The signature was over the canonical document without it and the digest: the bytes without these two members."""
    if b'"signature":' not in content:
        raise _unsigned(invalid)
    for signature in itertools.islice(_FIRST_FORM_SIGNATURE.finditer(content), _MOST_CANDIDATES):
        unsigned = content[: signature.start()] + content[signature.end() :]
        for digest in itertools.islice(_FIRST_FORM_DIGEST.finditer(unsigned), _MOST_CANDIDATES):
            if _is_signature(signature[1], unsigned[: digest.start()] + unsigned[digest.end() :], key):
                return
    raise _forged(invalid)


def validate(document: Document, form: Form, invalid: Invalid) -> None:
    """Check a document against its schema.

    :raises DocumentInvalid: when the document does not follow its schema.
    """
    if form.conforms(document):
        return
    jsonschema = library("jsonschema", "jsonschema")
    errors = list(itertools.islice(jsonschema.Draft202012Validator(form.schema).iter_errors(document), _MOST_TOLD + 1))
    if errors:
        raise invalid(f"The {invalid.what} does not follow its schema: {listed([_problem(error) for error in errors])}.")


def _problem(error: t.Any) -> str:
    return f"{shown('/'.join(map(str, error.path))) or 'document'}: {shown(error.message)}"


def listed(problems: t.Sequence[str]) -> str:
    """Problems of a document in one text, which is never longer than a person reads."""
    more = "; and more" if len(problems) > _MOST_TOLD else ""
    return "; ".join(problems[:_MOST_TOLD]) + more


def shown(text: t.Any) -> str:
    """What a document says, for a message: its beginning and its end, and nothing in it that a terminal would obey."""
    text, half = str(text), _LONGEST_TOLD // 2
    short = text if len(text) <= _LONGEST_TOLD else f"{text[:half]}...{text[-half:]}"
    return "".join(one if one.isprintable() else "?" for one in short)


def refuse_deep(document: t.Any, invalid: Invalid) -> None:
    """Refuse deep nesting, which would make recursive functions fail."""
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


def _unsigned(invalid: Invalid) -> DocumentInvalid:
    return invalid(f"The {invalid.what} is not signed.", "With hmac_key, only what was signed with this key is accepted.")


def _forged(invalid: Invalid) -> DocumentInvalid:
    return invalid(f"The {invalid.what}'s signature does not match hmac_key: it was signed with another key, or forged.")


def _changed(invalid: Invalid) -> DocumentInvalid:
    return invalid(f"The {invalid.what}'s digest does not match its content: it was changed or damaged.")


def _signature(content: bytes, key: str) -> str:
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def _is_signature(found: bytes, content: bytes, key: str) -> bool:
    return hmac.compare_digest(found, _signature(content, key).encode())


def _canonical(document: Document) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _object(content: bytes, invalid: Invalid) -> dict[str, t.Any]:
    document = _decode(content, invalid)
    if not isinstance(document, dict):
        raise invalid(f"The {invalid.what} is not a JSON object.")
    refuse_deep(document, invalid)
    return document


def _decode(content: bytes, invalid: Invalid) -> t.Any:
    """Read JSON strictly: refuse what parsers read differently."""
    if _has_too_many_values(content):
        raise invalid(f"The {invalid.what} has more than {_MOST_VALUES} values, more than any valid one.")
    try:
        document = _STRICT.decode(content.decode())
        # A lone surrogate passes as an escape, and only as that; it cannot be written anywhere.
        if _SURROGATE.search(content):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError as error:
        raise _too_deep(invalid) from error
    except UnicodeError as error:
        raise invalid(f"The {invalid.what} is not UTF-8 text ({error}).") from error
    except ValueError as error:
        raise invalid(f"The {invalid.what} is not a JSON document ({error}).") from error
    return document


def _has_too_many_values(content: bytes) -> bool:
    # A value is the first one of its list or object, or follows a comma.
    return sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES


def _members(pairs: t.Sequence[tuple[str, t.Any]]) -> dict[str, t.Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for name, count in collections.Counter(name for name, _value in pairs).items() if count > 1)
        raise ValueError(f"an object has member '{shown(twice)}' twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_LONGEST_NUMBER]} is no number")
    return number


#: Refuses what parsers read differently.
_STRICT = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_number)
