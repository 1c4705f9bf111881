# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published at the remote site, how old it is, and what of it goes.

May import core, application, cloud, work, manifest and copies.
"""
