# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of keys as an operator makes them, and the key of a volume. Making a pair takes long, so it is made once."""

from __future__ import annotations

import functools

from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import VolumeKey
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

CONTENT = bytes(range(32))
VOLUME_KEY = VolumeKey("aes", 256, CONTENT)


@functools.cache
def pair(number=1, bits=3072):
    """A private and its public key, as PEM.

    :param number: tells pairs apart.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
