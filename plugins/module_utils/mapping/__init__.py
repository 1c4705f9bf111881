# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other names and addresses at the remote site. A mapping turns a manifest into another one; a drill is a mapping too.

May import core, application, manifest and restore.
"""
