# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets plain pytest import the collection as ``ansible_collections.osdr.openstack``, as Ansible does."""

from __future__ import annotations

import sys
from pathlib import Path

COLLECTIONS = Path(__file__).parents[1] / ".build" / "collections"

# ansible-test brings its own importer and its own copy of the tree: there the link does not exist.
if COLLECTIONS.is_dir():
    sys.path.insert(0, str(COLLECTIONS))
