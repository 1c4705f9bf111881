# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site: the guides as they are, the reference from the modules and roles, and the runbook for printing.

Warnings are errors. The sources are laid out as in the repository, so that links between documents hold in both places.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "docs"
SOURCE = BUILD / "source"
SITE = BUILD / "html"
RUNBOOK = SITE / "runbook.pdf"
#: What the guides lead to beside each other: pages, and files to look at.
LINKED = (
    "CONTRIBUTING.md", "tests/integration/README.md", "roles/*/README.md", "roles/*/meta/argument_specs.yml", "awx/setup.yml", "execution-environment.yml"
)

#: How documents that Galaxy shows lead to the others.
IN_REPOSITORY = re.compile(r"https://github\.com/osdr/openstack/blob/main/([\w./-]+)")

sys.path.insert(0, str(ROOT / "tests" / "plays"))
from browser import Browser  # noqa: E402 (the path has to be set first)


def lay_out() -> None:
    """Copy everything that is written by hand to its place. Of a page that is not read again, no warning is said again either: so all is new."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "docsite", SOURCE, ignore=shutil.ignore_patterns("*.yml", "rst"))
    shutil.copytree(ROOT / "docs", SOURCE / "docs", ignore=shutil.ignore_patterns("docsite"))
    for path in [path for pattern in LINKED for path in ROOT.glob(pattern)]:
        target = SOURCE / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for page in SOURCE.rglob("*.md"):
        stay_on_site(page)


def stay_on_site(page: Path) -> None:
    """Have the links of a page lead to the site's own pages instead of the repository's."""

    def link(found: re.Match[str]) -> str:
        target = SOURCE / found[1]
        return os.path.relpath(target, page.parent) if target.exists() else found[0]

    page.write_text(IN_REPOSITORY.sub(link, page.read_text(encoding="utf-8")), encoding="utf-8")


def write_reference() -> None:
    """Make pages of the documentation in modules and roles."""
    pages = SOURCE / "reference"
    # antsibull-docs refuses a directory that others may write to.
    pages.mkdir(mode=0o755)
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(pages)]
    subprocess.run(["antsibull-docs", "collection", *options, "osdr.openstack"], check=True, stdout=subprocess.DEVNULL)


def build() -> None:
    """Make HTML of all of it."""
    subprocess.run(["sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-d", str(BUILD / "doctrees"), str(SOURCE), str(SITE)], check=True)


def print_runbook() -> int:
    """Print the runbook to a file.

    :returns: its number of pages.
    """
    Browser(BUILD).print_file(SITE / "docs" / "runbook.html", RUNBOOK)
    return len(re.findall(rb"/Type\s*/Page\b", RUNBOOK.read_bytes()))


def main() -> int:
    """Build, print, and tell where it is."""
    try:
        lay_out()
        write_reference()
        build()
        pages = print_runbook()
    except subprocess.CalledProcessError as problem:
        print(f"Building the documentation failed: {problem.cmd[0]} ended with status {problem.returncode}.", file=sys.stderr)
        return 1
    if pages != 1:
        print(f"The runbook has {pages} pages, and is to be on one: {RUNBOOK}", file=sys.stderr)
        return 1
    print(f"{SITE}/index.html, and for printing {RUNBOOK}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
