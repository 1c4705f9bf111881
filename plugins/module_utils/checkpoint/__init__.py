# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a checkpoint could be taken and copied: the check of all projects of an application, at both sites.

May import all other packages but rollback.
"""
