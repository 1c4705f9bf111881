# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the applications of a site stand on, and whether the remote site has it.

An administrator *captures* it from the primary site, and it is kept at the remote site as the site plan is. There it is *compared*, name by
name and attribute by attribute. What is *missing* can be *made*, if asked for; what *differs* is never changed. For whatever is missing or different,
the *needers* are told: applications and projects of the site plan that use it.

May import core, cloud, work, manifest, mapping and site.
"""
