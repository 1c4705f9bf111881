# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All applications of a site: which there are, in which order they are recovered, and what nobody protects.

The *site plan* is what the provider writes: projects at both sites, waves, policies, limits, applications. A *wave* is
a set of applications that are recovered before those of the next one; within a wave, dependencies come first, then the smaller
*priority*. A *policy* says how an application is protected. An owner puts *marks* on servers (metadata or tags that begin with
``dr:``), and so makes an application of them, or joins one of the plan. A *tier* of the plan has servers by name, by a *query* over
the project's servers, or by marks. What is wrong with the plan stops everything; what is wrong with one application stops that one.

May import core, application, cloud, work, manifest, stores and catalogue.
"""
