# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a whole site is protected now, in one view.

Each application of the site plan is *judged* by its policy: how old is what could be restored, and when was it last drilled. From the records of drills it is
*measured* how long volumes, boots and checks take; by that the recovery of each application is *predicted*, and of the whole plan. Each thing that a person
must do is an *alert*. What cannot be read is one, too, and hides nothing else.

May import all others but failover, checkpoint and rollback.
"""
