# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""User data of servers in a manifest: as it is, or sealed with a passphrase.

User data often holds secrets, and a manifest is readable for whoever reads the remote site's object store. So it is kept
only when asked for. A manifest has it as ``plain:BASE64``, BASE64 being Nova's own form of it, or as ``sealed:SALT:TOKEN``, a
Fernet token of that under a key derived from the passphrase by scrypt.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import secrets
import typing as t

from ..core.errors import InvalidInput
from ..core.libraries import library
from .manifest import ApplicationDescription, Manifest

OMIT = "omit"
KEEP = "keep"
ENCRYPT = "encrypt"
POLICIES = (OMIT, ENCRYPT, KEEP)

_PLAIN = "plain:"
_SEALED = "sealed:"
_SALT_BYTES = 16
#: Of scrypt: 64 MiB of memory and a fraction of a second for each guess at a passphrase.
_SCRYPT = {"length": 32, "n": 2**16, "r": 8, "p": 1}

Form = t.Callable[[str], str]


def form_of(policy: str, passphrase: str | None) -> Form | None:
    """How user data is written into a manifest; None when it is left out.

    :raises InvalidInput: when it is to be encrypted and there is no passphrase.
    """
    if policy == ENCRYPT and not passphrase:
        raise InvalidInput("user_data is to be encrypted, but there is no user_data_key.", "Give it, or leave user data out.")
    if policy == OMIT:
        return None
    if policy == KEEP:
        return lambda content: _PLAIN + content
    # One salt for a manifest: a key costs time.
    salt = base64.urlsafe_b64encode(secrets.token_bytes(_SALT_BYTES)).decode()
    return lambda content: f"{_SEALED}{salt}:{_fernet(t.cast(str, passphrase), salt).encrypt(content.encode()).decode()}"


def opened(manifest: Manifest, passphrase: str | None) -> Manifest:
    """A manifest whose user data can be given to Nova; what is sealed is left out where there is no passphrase.

    :raises InvalidInput: when the passphrase is not the one that it was sealed with.
    """
    return dataclasses.replace(manifest, description=_with(manifest.description, lambda content: _opened(content, passphrase)))


def without_user_data(description: ApplicationDescription) -> ApplicationDescription:
    return _with(description, lambda _content: None)


def _with(description: ApplicationDescription, change: t.Callable[[str | None], str | None]) -> ApplicationDescription:
    servers = tuple(dataclasses.replace(server, user_data=change(server.user_data)) for server in description.servers)
    return dataclasses.replace(description, servers=servers)


def warnings(manifest: Manifest, passphrase: str | None) -> list[str]:
    """What an operator should know of servers that are restored without their user data."""
    sealed = [server.name for server in manifest.description.servers if (server.user_data or "").startswith(_SEALED)]
    if not sealed or passphrase:
        return []
    return [f"The user data of {', '.join(sealed)} is encrypted and user_data_key was not given: restored without it."]


def content(user_data: str) -> str:
    """What Nova takes of user data that is opened."""
    return user_data.removeprefix(_PLAIN)


def _opened(user_data: str | None, passphrase: str | None) -> str | None:
    if not user_data or not user_data.startswith(_SEALED):
        return user_data
    return _PLAIN + _unsealed(user_data, passphrase) if passphrase else None


def _unsealed(sealed: str, passphrase: str) -> str:
    salt, _colon, token = sealed.removeprefix(_SEALED).partition(":")
    invalid_token = library("cryptography.fernet", "cryptography").InvalidToken
    try:
        return _fernet(passphrase, salt).decrypt(token.encode()).decode()
    except (invalid_token, ValueError) as error:
        # The latter where salt or content is no base64 or no text, whatever the schema lets pass.
        raise InvalidInput(
            "The manifest's user data cannot be decrypted with user_data_key: it was encrypted with another key, or damaged.",
            "Give the key with which the checkpoint was taken, or omit it to restore without user data.",
        ) from error


@functools.cache
def _fernet(passphrase: str, salt: str) -> t.Any:
    scrypt = library("cryptography.hazmat.primitives.kdf.scrypt", "cryptography")
    key = scrypt.Scrypt(salt=base64.urlsafe_b64decode(salt), **_SCRYPT).derive(passphrase.encode())
    return library("cryptography.fernet", "cryptography").Fernet(base64.urlsafe_b64encode(key))
