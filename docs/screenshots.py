"""Pictures of a report for the documents: ``python -m docs.screenshots REPORT``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).with_name("screenshots")
WIDE: dict[str, Any] = {"viewport": {"width": 1200, "height": 780}}
EDGE = 16
"""Pixels beside a part of the page."""
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}


def take(report: Path) -> None:
    """Write the first screen, the viewer of examples, and both on a phone into docs/screenshots/.

    Args:
        report: a run's page, with examples.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("expected chromium, found none; install it (Debian: chromium fonts-dejavu-core)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, options in (("report", WIDE), ("examples", WIDE), ("phone-dark", PHONE)):
            page = browser.new_page(**options)
            page.goto(report.absolute().as_uri())
            if name == "examples":
                _pick(page)
                page.evaluate("scrollTo(0, 0)")
                box = page.locator("#examples").bounding_box()
                assert box is not None
                box["x"], box["width"] = box["x"] - EDGE, box["width"] + 2 * EDGE
                shown = page.screenshot(full_page=True, clip=box)
            else:
                shown = page.screenshot()
            _write(FOLDER / f"{name}.png", shown)
            page.close()
        browser.close()


def _pick(page: Page) -> None:
    """An image made for the last source of those that have one."""
    made = page.locator("#picker [name=group]")
    sources = [
        text for text in made.locator("option").all_inner_texts() if not text.startswith("control")
    ]
    made.select_option(sources[-1])
    page.locator("#picker [name=victim]").select_option(sources[-1].partition(", by ")[0])
    page.locator("#images input").nth(3).check()


def _write(path: Path, content: bytes) -> None:
    """As a PNG of 256 colours, a third of the size."""
    path.parent.mkdir(exist_ok=True)
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
