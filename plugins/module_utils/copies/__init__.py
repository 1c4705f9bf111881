# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying data to the remote site, and verifying it there.

May import core, cloud, work, manifest and mirror.
"""
