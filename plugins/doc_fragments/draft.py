# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where modules keep what the next ones need of a checkpoint that is not published yet."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  draft:
    description:
      - A directory of the run, for the files by which the modules that take a checkpoint tell each other what they found, because it is too much for
        variables. It is made if it is missing, for nobody else to read. Of an application over several projects, each project has its own.
      - Remove it when the run has ended. It is no checkpoint; a run that is repeated finds out all of it again.
    type: path
"""
