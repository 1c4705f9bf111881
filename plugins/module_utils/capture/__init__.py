# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application as it runs now, described for a manifest.

May import core, application, cloud, work and manifest.
"""
