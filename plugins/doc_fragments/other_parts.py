# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other parts of an application over several projects."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  others:
    description:
      - The other parts of an application over several projects, which are restored together with this one.
      - A network of one of its projects on which another one has ports is made with the part to which it belongs, and shared with the other project.
    type: list
    elements: dict
    default: []
    suboptions:
      cloud:
        description: The site in the project that is to own this part, by name or as a dictionary.
        type: raw
        required: true
      catalogue_cloud:
        description: The site with the catalogue of that project, which has its part of the same checkpoint. Defaults to O(others[].cloud).
        type: raw
      digest:
        description: Digest of that part, as the option O(digest) takes it.
        type: str
      mapping:
        description: How the site calls what this part has.
        type: dict
"""
