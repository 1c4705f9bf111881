# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data reaches the remote site and is proved there.

May import core, cloud, work and manifest.
"""
