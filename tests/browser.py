"""Pages in Chromium: opened from file://, with all that they asked for and complained of."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCHEMES = ("dark", "light")
# in CSS pixels: at 200 % a window is half as many wide
WIDTHS = {"360": 360, "768": 768, "1440": 1440, "768 at 200 %": 384, "1440 at 200 %": 720}


@pytest.fixture(scope="module")
def chromium():
    """A browser for the tests of one file. While it runs, asyncio can run nothing else in this process."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page, the addresses it asked for, and what it complained of: errors, warnings, questions."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def beyond(self):
        """What it asked for that lies neither in a file nor in the page itself."""
        return [each for each in self.asked if not each.startswith(("file:", "data:", "blob:"))]


@contextmanager
def visiting(chromium, path, width=1440, **context):
    """Open a file, or an address; `context` as Playwright's new_context has it."""
    shown = chromium.new_context(viewport={"width": width, "height": 900}, **context)
    visit = Visit(shown.new_page())
    visit.page.on("request", lambda request: visit.asked.append(request.url))
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("requestfailed", lambda request: visit.complaints.append(f"not there: {request.url}"))
    visit.page.on("dialog", lambda dialog: (visit.complaints.append(dialog.message), dialog.dismiss()))
    visit.page.on(
        "console",
        lambda line: visit.complaints.append(line.text) if line.type in ("error", "warning") else None,
    )
    try:
        visit.page.goto(path.absolute().as_uri() if isinstance(path, Path) else path)
        yield visit
    finally:
        shown.close()


def violations(page):
    """What axe-core finds, each rule with the first element that breaks it."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']} {each['impact']}: {each['nodes'][0]['html'][:200]}" for each in found]


def sticking_out(page):
    """Elements that reach over the right edge of the window, and whether the page scrolls sideways."""
    return page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          const out = [...document.body.querySelectorAll("*")].filter(each => {
            const box = each.checkVisibility() && each.getBoundingClientRect();
            return box && box.width > 0 && (box.right > wide + 1 || box.left < -1);
          });
          const scrolls = document.scrollingElement.scrollWidth > wide ? ["the page scrolls sideways"] : [];
          return [...scrolls, ...out.map(each => each.outerHTML.slice(0, 120))];
        }"""
    )


def open_all(page):
    """Unfold everything that can be unfolded."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
