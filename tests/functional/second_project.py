# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project beside the lab's own at both sites, for applications over several projects and for sites with several."""

from __future__ import annotations

import openstack
from laboratory import cloud

SITES = ("primary", "remote")


class SecondProject:
    """A project in which the users of the lab's project have the same roles.

    :param undo: a stack that removes it.
    """

    def __init__(self, name, undo):
        self.name = name
        self._undo = undo

    def build(self):
        for site in SITES:
            identity = cloud(f"{site}-admin").identity
            project = identity.create_project(name=self.name, domain_id="default")
            self._undo.callback(identity.delete_project, project)
            for user, role in (("shop", "member"), ("admin", "admin")):
                granted = identity.find_role(role, ignore_missing=False), identity.find_user(user, ignore_missing=False)
                identity.assign_project_role_to_user(project, granted[1], granted[0])

    def entry(self, name):
        """One of the lab's entries of clouds.yaml, in this project."""
        config = cloud(name).config
        return {"auth": {**config.config["auth"], "project_name": self.name}, "region_name": config.get_region_name()}

    def connection(self, name):
        return openstack.connect(**self.entry(name))

    def shared_image(self):
        """The image of the lab's guests, which the project does not have by itself."""
        images, project = cloud("primary").image, self.connection("primary").current_project_id
        image = images.find_image("lab-guest", ignore_missing=False)
        # Those of an image that is private are not asked for.
        self._undo.callback(images.update_image, image.id, visibility=image.visibility)
        images.update_image(image.id, visibility="shared")
        images.add_member(image.id, member_id=project)
        self._undo.callback(images.remove_member, project, image.id)
        return image.id
