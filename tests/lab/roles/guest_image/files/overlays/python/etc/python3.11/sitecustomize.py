# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Python compiles from archives.

Ansible's modules arrive as archives, and Python compiles those anew whenever they run: most of
the time that a module takes in an emulated guest.
"""

import hashlib
import marshal
import os
import zipimport

CACHE = "/run/python-cache"
compile_source = zipimport._compile_source


def compile_once(path, source):
    kept = os.path.join(CACHE, hashlib.sha256(source).hexdigest())
    try:
        with open(kept, "rb") as stream:
            return marshal.load(stream)
    except (OSError, EOFError, ValueError):
        return compile_and_keep(path, source, kept)


def compile_and_keep(path, source, kept):
    code = compile_source(path, source)
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{kept}.{os.getpid()}", "wb") as stream:
        marshal.dump(code, stream)
    os.rename(stream.name, kept)
    return code


zipimport._compile_source = compile_once
