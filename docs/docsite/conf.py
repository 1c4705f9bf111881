# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation site; tests/tools/docs.py lays the sources out and builds it."""

from __future__ import annotations

from docutils import nodes
from sphinx.transforms import SphinxTransform

project = "osdr.openstack"
copyright = "The osdr.openstack authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
# Links lead to headings of these levels, as they do in the repository.
myst_heading_anchors = 3
highlight_language = "text"
html_theme = "furo"
html_title = "osdr.openstack"
html_static_path = ["_static"]
html_css_files = ["print.css"]
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
# antsibull-docs refers by ``any`` to what is not marked otherwise.
default_role = "any"

_GUIDES = "https://github.com/osdr/openstack/blob/main/docs/"
_ANSIBLE = "https://docs.ansible.com/ansible/latest/"
#: Places in Ansible's own documentation that the reference leads to; no inventory of it is fetched.
_ANSIBLE_LABELS = {
    "action_plugins": "plugins/action.html#action-plugins",
    "ansible_collections.ansible.builtin.copy_module": "collections/ansible/builtin/copy_module.html",
    "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
    "common_return_values": "reference_appendices/common_return_values.html#common-return-values",
}


class OwnGuides(SphinxTransform):
    """Pages that also stand elsewhere lead to the guides in the repository: here they are at hand."""

    default_priority = 900

    def apply(self) -> None:
        for reference in self.document.findall(nodes.reference):
            target = reference.get("refuri", "")
            if target.startswith(_GUIDES):
                name = target.removeprefix(_GUIDES).removesuffix(".md")
                reference["refuri"] = self.app.builder.get_relative_uri(self.env.docname, f"docs/{name}")


def ansible_reference(_app, _env, node, content):
    """A link to Ansible's documentation, for a label that is not of ours."""
    page = _ANSIBLE_LABELS.get(node.get("reftarget"))
    return nodes.reference("", "", content, refuri=_ANSIBLE + page) if page else None


def setup(app):
    app.add_transform(OwnGuides)
    app.connect("missing-reference", ansible_reference)
