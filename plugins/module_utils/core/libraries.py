# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Python libraries late: arguments must be checked even where one is missing."""

from __future__ import annotations

import importlib
import typing as t

from .errors import InvalidInput


def library(name: str, package: str) -> t.Any:
    """Import a library.

    :param name: as Python imports it.
    :param package: as pip installs it.
    :raises InvalidInput: when it is not there, with what to do.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidInput(
            f"The Python library {package} cannot be imported ({error}).",
            "Install it for the Python interpreter that runs this module (see ansible_python_interpreter).",
        ) from error
