# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the artifact of the collection, as Galaxy takes it, and install it where nothing else is."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from working_tree import copy_tree


def build(place: Path) -> Path:
    """Build the working tree's artifact into a directory; returns its path."""
    with tempfile.TemporaryDirectory(prefix="osdr-build-") as scratch:
        tree = Path(scratch) / "collection"
        copy_tree(tree)
        built = Path(scratch) / "built"
        subprocess.run(["ansible-galaxy", "collection", "build", tree, "--output-path", built], check=True, stdout=subprocess.DEVNULL)
        (artifact,) = built.glob("*.tar.gz")
        place.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy2(artifact, place))


def install(artifact: Path, place: Path) -> None:
    """Install an artifact, and nothing of what was there before.

    Its dependencies are there already, in the environment: without network nothing else is looked for.
    """
    shutil.rmtree(place, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "install", "--offline", "--collections-path", place, artifact]
    # A path of its own: elsewhere the working tree would pass for what is installed already.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(place)})


def main() -> int:
    """Build and install, and tell where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, help="directory that the artifact is put into, and below it the collections")
    place = parser.parse_args().place
    artifact = build(place)
    install(artifact, place / "collections")
    print(artifact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
