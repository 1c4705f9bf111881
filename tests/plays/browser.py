# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser that looks at pages: Chromium without a window and without the network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-pdf-header-footer",
)
_DARK = "--blink-settings=preferredColorScheme=0"
_PATIENCE_SECONDS = 1800

#: What is seen of a page: whatever reaches beyond its edge, the least contrast of any text, and whether anything of it ran.
_MEASURE = """
const LUMA = [0.2126, 0.7152, 0.0722];
const light = (color) => color.slice(0, 3)
  .map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, index) => sum + LUMA[index] * part, 0);
const numbers = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
function behind(element, view) {
  for (let one = element; one; one = one.parentElement) {
    const color = numbers(view.getComputedStyle(one).backgroundColor);
    if (color.length === 3 || color[3] > 0) return color;
  }
  return [255, 255, 255];
}
const says = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const short = (element) => element.tagName + " " + element.textContent.trim().slice(0, 30);
function look(frame) {
  const document = frame.contentDocument, view = frame.contentWindow, root = document.documentElement;
  const shown = [...document.body.querySelectorAll("*")].filter((one) => !one.closest("desc, title, .unseen, thead"));
  const texts = shown.filter(says).map((one) => {
    const style = view.getComputedStyle(one);
    return [contrast(numbers(one.tagName === "text" ? style.fill : style.color), behind(one, view)), short(one)];
  });
  texts.sort((a, b) => a[0] - b[0]);
  return {
    width: root.clientWidth,
    scrollWidth: Math.max(root.scrollWidth, document.body.scrollWidth),
    beyond: shown.filter((one) => one.getBoundingClientRect().right > root.clientWidth + 0.5).map(short),
    contrast: texts[0],
    background: view.getComputedStyle(document.body).backgroundColor,
    text: document.body.innerText,
    scripts: document.scripts.length,
  };
}
addEventListener("load", () => {
  const seen = [...document.querySelectorAll("iframe")].map(look);
  document.getElementById("seen").textContent = JSON.stringify({ seen, hurt: window.hurt === true });
});
"""


class Browser:
    """
    :param directory: for its profiles and pages; a new one.
    :raises FileNotFoundError: when it is not installed.
    """

    def __init__(self, directory: Path) -> None:
        program = shutil.which("chromium")
        if not program:
            raise FileNotFoundError('Chromium is missing; "make controller", as root, installs it.')
        self._program = program
        self._directory = directory
        self._count = 0

    def measure(self, pages: list[tuple[str, int]], dark: bool = False) -> dict:
        """Look at pages, each in a frame of a width of its own.

        :returns: ``seen`` of each, and whether anything in any of them was ``hurt``.
        """
        frames = "".join(f'<iframe width="{width}" height="800" style="border:0" srcdoc="{html.escape(page)}"></iframe>' for page, width in pages)
        wrapper = self._write(f'<!DOCTYPE html><meta charset="utf-8">{frames}<pre id="seen"></pre><script>{_MEASURE}</script>')
        content = self._run(wrapper, "--dump-dom", *([_DARK] if dark else []))
        return json.loads(html.unescape(re.search(r'<pre id="seen">(.*?)</pre>', content, re.DOTALL).group(1)))

    def screenshot(self, page: str, width: int, height: int, dark: bool = False) -> bytes:
        """A picture of a page (PNG)."""
        target = self._directory / "page.png"
        self._run(self._write(page), f"--window-size={width},{height}", f"--screenshot={target}", *([_DARK] if dark else []))
        return target.read_bytes()

    def printed(self, page: str) -> bytes:
        """A page as it is printed (PDF)."""
        target = self._directory / "page.pdf"
        self.print_file(self._write(page), target)
        return target.read_bytes()

    def print_file(self, page: Path, target: Path) -> None:
        """Print a page with all that lies beside it, to a file (PDF)."""
        self._run(page, f"--print-to-pdf={target}")

    def _write(self, content: str) -> Path:
        self._count += 1
        path = self._directory / f"{self._count}.html"
        path.write_text(content, encoding="utf-8")
        return path

    def _run(self, page: Path, *options: str) -> str:
        profile = self._directory / f"profile-{self._count}"
        command = [self._program, *_FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)
        assert done.returncode == 0, f"Chromium ended with status {done.returncode}: {done.stderr[-2000:]}"
        return done.stdout
