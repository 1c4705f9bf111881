# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage that mirrors volumes to the remote site's storage by itself.

May import core and work.
"""
