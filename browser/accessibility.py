"""Check the accessibility of a page with axe, and what axe does not check: its width and the focus of the keyboard."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
_RULES_ABOUT_COLORS = ("color-contrast", "link-in-text-block")
PHONE, SCREEN = 320, 1280
"""The widths of the windows, in pixels."""

# Returns the violations as texts: the rule, and the element.
_RUN_AXE = """async runOnly => {
  const options = { runOnly, resultTypes: ["violations"], preload: false, iframes: false };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target} ${node.html}`));
}"""

# Returns the controls that the keyboard does not reach, or whose focus is not visible (WCAG 2.2, 2.1.1 and 2.4.7).
_FIND_FOCUS_PROBLEMS = """() => {
  const selector = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const problems = [];
  for (const element of document.querySelectorAll(selector)) {
    if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
    element.focus({ focusVisible: true });
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const problem = element.tabIndex < 0 || document.activeElement !== element ? "not reached"
      : outlineStyle === "none" || parseFloat(outlineWidth) < 2 ? "no visible focus" : "";
    if (problem) problems.push(`${problem}: ${element.outerHTML.slice(0, 200)}`);
  }
  document.activeElement?.blur();
  return problems;
}"""

# Shows the HTML of another page in this one, as the server sent it. Returns what the path has (PathContent).
_SHOW_HTML = """async path => {
  const response = await fetch(path);
  if (![200, 404, 410].includes(response.status)) throw new Error(`${path} has the status ${response.status}`);
  if (response.redirected) return "redirect";
  if (response.status === 404) return "nothing";
  if (!response.headers.get("content-type").startsWith("text/html")) return "file";
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  document.documentElement.lang = next.documentElement.lang;
  document.title = next.title;
  document.body.replaceWith(next.body);
  return "page";
}"""

_IS_CHANGED_BY_SCRIPTS = """async () => {
  const response = await fetch(location.href);
  const { body } = new DOMParser().parseFromString(await response.text(), "text/html");
  return body.innerHTML !== document.body.innerHTML;
}"""


def load_axe(page: Page) -> None:
    """Load axe into a page. It is not a script of the page, so the page's content security policy allows it."""
    page.evaluate(_AXE.read_text("utf-8"))


# Returns the ids that several elements have. A label then names the wrong field.
_FIND_REPEATED_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  return ids.filter((id, index) => ids.indexOf(id) !== index).map(id => `repeated id: ${id}`);
}"""


class PathContent(StrEnum):
    """What a path has for the person who is signed in."""

    PAGE = "page"
    FILE = "file"
    REDIRECT = "redirect"
    NOTHING = "nothing"


def show_without_scripts(page: Page, path: str) -> PathContent:
    """Show the page of a path, if it has one, in a page that is open, without running its scripts.

    Axe itself does not run in a browser with scripts turned off. This is also much faster than opening the page.
    """
    return PathContent(page.evaluate(_SHOW_HTML, path))


def is_changed_by_scripts(page: Page) -> bool:
    """Return whether the scripts of a page have changed what the server sent."""
    is_changed: bool = page.evaluate(_IS_CHANGED_BY_SCRIPTS)
    return is_changed


def find_problems(page: Page, *widths: int) -> list[str]:
    """Return the problems of a page with axe, in windows of these widths, in light and in dark mode.

    Only colors depend on the mode, so all other rules are checked once.
    """
    problems: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="light")
        problems += _run_axe(page, "tag", _TAGS)
        problems += page.evaluate(_FIND_FOCUS_PROBLEMS) + page.evaluate(_FIND_REPEATED_IDS)
        page_width = page.evaluate("document.documentElement.scrollWidth")
        if page_width > width:
            problems.append(f"the page is {page_width} pixels wide")
        page.emulate_media(color_scheme="dark")
        problems += [f"dark mode: {problem}" for problem in _run_axe(page, "rule", _RULES_ABOUT_COLORS)]
    page.emulate_media(color_scheme="light")
    return problems


def _run_axe(page: Page, kind: str, values: Sequence[str]) -> list[str]:
    violations: list[str] = page.evaluate(_RUN_AXE, {"type": kind, "values": list(values)})
    return violations
