# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data, errors, marks and consistency levels, on which everything else is built.

Imports nothing of the library.
"""
