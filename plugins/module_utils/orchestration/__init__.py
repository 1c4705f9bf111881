# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs over the applications of a whole site: whose turn it is, by dependencies, waves, priorities and the limits of the sites.

A *run* protects, restores, drills or moves many applications. Ansible plays a host for each of them, on one controller or, with job slices, on
several; each controller has a *part* of the run, a document in a catalogue at the remote site that only this controller writes. In it is the
*turn* of each of its applications: whether it waits, is under way or over, and what it holds of the limits. From all parts together follows which
application begins next. A *keeper* beside the controller renews the time until which its part counts; the part of a controller that is gone
ends by that, and the next run takes over what it left.

May import core, application, cloud, work, manifest, stores, catalogue and site.
"""
