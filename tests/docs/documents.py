# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: the documents of the repository with their commands, examples, links and headings."""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Where Ansible finds the collection: by the link of the working tree, or where the tree is in its place anyway.
COLLECTIONS = ROOT.parents[2] if ROOT.parents[1].name == "ansible_collections" else ROOT / ".build" / "collections"
GUIDES = sorted((ROOT / "docs").glob("*.md"))
#: Where Galaxy is: what it shows of a collection has no other way to the rest of it.
REPOSITORY = "https://github.com/osdr/openstack"
IN_REPOSITORY = (f"{REPOSITORY}/blob/main/", f"{REPOSITORY}/tree/main/", "https://raw.githubusercontent.com/osdr/openstack/main/")
_OTHERS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/integration/README.md")
DOCUMENTS = [*(ROOT / name for name in _OTHERS), *GUIDES, *sorted(ROOT.glob("roles/*/README.md"))]

#: What begins a command, in text and in blocks without a prompt.
PROGRAMS = {
    *("ansible-builder", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-playbook", "ansible-test", "ceph", "cp", "curl"),
    *("make", "nova-manage", "openstack", "docker", "pip", "pytest", "python", "python3", "supervisorctl", "systemctl", "virsh"),
}
#: Blocks without a language are commands, or what a program prints.
_SHELLS = {"", "console"}
_PROMPT = re.compile(r"^[$#] ")
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    :param before: the text in front of it.
    """

    document: Path
    language: str
    text: str
    before: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text.splitlines()[0] if self.text else ''}"


@dataclasses.dataclass(frozen=True)
class Command:
    """:param place: where in the checkout it is given, after the last ``cd`` before it."""

    document: Path
    text: str
    place: str = ""

    @property
    def words(self) -> list[str]:
        words = shlex.split(self.text, comments=True)
        return words[1:] if words[:1] == ["time"] else words

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text}"


@functools.cache
def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@functools.cache
def blocks() -> tuple[Block, ...]:
    return tuple(
        Block(document, found[1], found[2], read(document)[: found.start()]) for document in DOCUMENTS for found in _FENCE.finditer(read(document))
    )


def prose(document: Path) -> str:
    """A document without its blocks."""
    return _FENCE.sub("", read(document))


def code_in(text: str) -> list[str]:
    """What is set as code within lines."""
    return [" ".join(found.split()) for found in _CODE.findall(text)]


@functools.cache
def commands() -> tuple[Command, ...]:
    """Every command, from blocks and from within text."""
    found = [command for document in DOCUMENTS for command in _commands_in_blocks(document)]
    found += [Command(document, code) for document in DOCUMENTS for code in code_in(prose(document)) if _is_command(code)]
    return tuple(dict.fromkeys(found))


def _commands_in_blocks(document: Path) -> t.Iterator[Command]:
    place = ""
    for line in (line for block in blocks() if block.document == document and block.language in _SHELLS for line in _lines(block)):
        if line.startswith("cd "):
            place = line.removeprefix("cd ")
        else:
            yield Command(document, line, place)


def _lines(block: Block) -> list[str]:
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        return [_PROMPT.sub("", line) for line in lines if _PROMPT.match(line)]
    return [line for line in lines if _is_command(line) or line.startswith("cd ")]


def _is_command(text: str) -> bool:
    words = text.removeprefix("time ").split()
    return len(words) > 1 and words[0].rsplit("/", 1)[-1] in PROGRAMS


def commands_of(program: str) -> list[Command]:
    return [one for one in commands() if one.words[0] == program]


def headings(document: Path) -> list[str]:
    return re.findall(r"^#{1,6} (.+)$", prose(document), re.MULTILINE)


def title(document: Path) -> str:
    return headings(document)[0]


def anchors(document: Path) -> set[str]:
    """As hosts of repositories and the documentation site make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(document)}


def links(document: Path) -> list[str]:
    """Where it leads to, by links in the text and by definitions below it."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(document)) + re.findall(r"^\[[^\]]+\]: (\S+)$", prose(document), re.MULTILINE)


def target(document: Path, link: str) -> Path | None:
    """The file or directory of the repository that a link leads to; None for other places."""
    path = link.partition("#")[0]
    for prefix in IN_REPOSITORY:
        if path.startswith(prefix):
            return ROOT / path.removeprefix(prefix)
    if link.startswith("https://"):
        return None
    return (document.parent / path).resolve() if path else document


def strings(loaded, key=None):
    """All strings of what YAML has loaded, each with the key that it stands under."""
    if isinstance(loaded, dict):
        for name, value in loaded.items():
            yield from strings(value, name)
    elif isinstance(loaded, list):
        for value in loaded:
            yield from strings(value, key)
    elif isinstance(loaded, str):
        yield key, loaded
