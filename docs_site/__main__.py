"""``make docs``: write pages and configuration into .site, let Zensical render them, and check the result."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs_site.navigation import build_navigation, find_unlisted
from docs_site.pages import Site

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / ".site"


def prepare(output: Path) -> None:
    """Write pages, pictures and configuration; exit if a page is in no navigation."""
    site = Site(ROOT)
    site.read()
    navigation = build_navigation(site.pages)
    if unlisted := find_unlisted(site.pages, navigation):
        sys.exit(
            f"error: link these pages from the README of their folder, or from docs/README.md: {', '.join(unlisted)}"
        )
    shutil.rmtree(output, ignore_errors=True)
    site.write(output / "pages")
    configuration = (Path(__file__).parent / "mkdocs.yml").read_text("utf-8")
    (output / "mkdocs.yml").write_text(f"{configuration}\nnav: {json.dumps(navigation)}\n", "utf-8")


def find_foreign_resources(folder: Path) -> list[str]:
    """Return the scripts, styles, fonts and pictures that pages load from other hosts."""
    pattern = re.compile(
        r"""<(?:script|img|iframe|link(?![^>]*rel="?canonical))\b[^>]*(?:src|href)="?(https?://[^\s">]+)"""
    )
    pages = sorted(folder.rglob("*.html"))
    return [f"{page.relative_to(folder)}: {url}" for page in pages for url in pattern.findall(page.read_text("utf-8"))]


def main() -> None:
    """Build the site, and exit with an error if a link or an anchor is broken."""
    prepare(OUTPUT)
    zensical = Path(sys.executable).parent / "zensical"
    command: list[str | Path] = [zensical, "build", "--clean", "--strict", "--config-file", OUTPUT / "mkdocs.yml"]
    if subprocess.run(command, check=False).returncode:
        sys.exit("error: a page has a broken link or anchor; the lines above refer to the copies in .site/pages")
    if foreign := find_foreign_resources(OUTPUT / "html"):
        sys.exit("error: pages load from other hosts: " + "; ".join(foreign))
    html = (OUTPUT / "html").relative_to(ROOT)
    server = f"python3 -m http.server --bind 127.0.0.1 --directory {html}"
    print(f"The site is in {html}. Only its search needs a web server: {server}")


if __name__ == "__main__":
    main()
