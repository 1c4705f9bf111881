# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing servers and, above all, thawing them: drivers, guards, marks and the freeze window.

May import core, application, cloud and work.
"""
