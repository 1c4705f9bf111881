# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of encrypted volumes in a manifest: sealed with a public key, and opened with the private key that the operator holds.

Whoever takes checkpoints needs the public key only, so a host that does that every night cannot open what it has written. A key is sealed
with RSA-OAEP under SHA-256, labelled with the id of its volume, so that no other volume can be given it.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import typing as t

from ..core.encryption import VolumeKey
from ..core.errors import InvalidInput
from ..core.libraries import library

_LABEL = "osdr.openstack key of volume "
_LEAST_BITS = 3072
_HOW_TO_MAKE = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096; openssl pkey -pubout"


@dataclasses.dataclass(frozen=True)
class SealedKey:
    """The key of an encrypted volume as a manifest has it.

    :param sealed_for: fingerprint of the public key with which it was sealed.
    :param algorithm: of the volume's key, as the key manager calls it, like ``bit_length``.
    :param sealed: base64.
    """

    sealed_for: str
    algorithm: str
    bit_length: int
    sealed: str


class Sealer:
    """Seals keys of volumes.

    :param public_key: PEM.
    :raises InvalidInput: when it is no RSA key, or a short one.
    """

    def __init__(self, public_key: str) -> None:
        if "PRIVATE KEY" in public_key:
            raise InvalidInput(
                "volume_public_key is a private key.", "Give the public one that belongs to it, and keep the private one for restores: openssl pkey -pubout."
            )
        self._key = _loaded("volume_public_key", lambda keys: keys.load_pem_public_key(public_key.strip().encode()))
        self._fingerprint = _fingerprint(self._key)

    def has_sealed(self, key: SealedKey) -> bool:
        """Whether a key was sealed with this public key."""
        return key.sealed_for == self._fingerprint

    def seal(self, volume_id: str, key: VolumeKey) -> SealedKey:
        sealed = self._key.encrypt(key.content, _padding(volume_id))
        return SealedKey(self._fingerprint, key.algorithm, key.bit_length, base64.b64encode(sealed).decode())


class Opener:
    """Opens keys of volumes.

    :param private_key: PEM without a passphrase.
    :raises InvalidInput: when it is no such RSA key.
    """

    def __init__(self, private_key: str) -> None:
        self._key = _loaded("volume_private_key", lambda keys: keys.load_pem_private_key(private_key.strip().encode(), password=None))
        self._fingerprint = _fingerprint(self._key.public_key())

    def open(self, volume_id: str, key: SealedKey) -> VolumeKey:
        """The key of a volume.

        :raises InvalidInput: when it was sealed with another key, for another volume, or is damaged.
        """
        if key.sealed_for != self._fingerprint:
            raise InvalidInput(
                f"The key of volume {volume_id} was sealed for another private key than volume_private_key: for the one with the fingerprint "
                f"{key.sealed_for}, not {self._fingerprint}.",
                "Give the private key that belongs to the volume_public_key with which the checkpoint was taken.",
            )
        try:
            content = self._key.decrypt(base64.b64decode(key.sealed), _padding(volume_id))
        except ValueError as error:
            raise InvalidInput(
                f"The key of volume {volume_id} cannot be opened: it was damaged in the manifest, or belongs to another volume.", "Restore another checkpoint."
            ) from error
        return VolumeKey(key.algorithm, key.bit_length, content)


def sealer_of(public_key: str | None) -> Sealer | None:
    return Sealer(public_key) if public_key else None


def opener_of(private_key: str | None) -> Opener | None:
    return Opener(private_key) if private_key else None


def _loaded(option: str, load: t.Callable[[t.Any], t.Any]) -> t.Any:
    try:
        key = load(library("cryptography.hazmat.primitives.serialization", "cryptography"))
    except (ValueError, TypeError, library("cryptography.exceptions", "cryptography").UnsupportedAlgorithm) as error:
        # A TypeError where the key has a passphrase. The error's own text may quote the key.
        raise InvalidInput(f"{option} is no key in PEM form, or has a passphrase.", f"Make a pair with: {_HOW_TO_MAKE}.") from error
    if not hasattr(key, "encrypt") and not hasattr(key, "decrypt"):
        raise InvalidInput(f"{option} is no RSA key.", f"Make a pair with: {_HOW_TO_MAKE}.")
    if key.key_size < _LEAST_BITS:
        raise InvalidInput(f"{option} has {key.key_size} bits; at least {_LEAST_BITS} are needed.", f"Make a pair with: {_HOW_TO_MAKE}.")
    return key


def _fingerprint(public_key: t.Any) -> str:
    serialization = library("cryptography.hazmat.primitives.serialization", "cryptography")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(public_key.public_bytes(*form)).hexdigest()


def _padding(volume_id: str) -> t.Any:
    padding = library("cryptography.hazmat.primitives.asymmetric.padding", "cryptography")
    sha256 = library("cryptography.hazmat.primitives.hashes", "cryptography").SHA256()
    return padding.OAEP(mgf=padding.MGF1(sha256), algorithm=sha256, label=(_LABEL + volume_id).encode())
