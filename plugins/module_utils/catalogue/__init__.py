# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of checkpoints at the remote site: publishing, reading, age and retention.

May import core, application, cloud, work, manifest, copies and stores.
"""
