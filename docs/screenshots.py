"""Pictures of a report for the documents: ``python -m docs.screenshots REPORT``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).with_name("screenshots")
WIDE = {"viewport": {"width": 1200, "height": 780}}
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}


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
                shown = page.locator("#examples").screenshot()
            else:
                shown = page.screenshot()
            _write(FOLDER / f"{name}.png", shown)
            page.close()
        browser.close()


def _pick(page: Page) -> None:
    """An image made for the last source of those that have one."""
    made = page.get_by_label("Made for")
    sources = [text for text in made.locator("option").all_inner_texts() if "nobody" not in text]
    made.select_option(sources[-1])
    page.locator("#images input").nth(3).check()


def _write(path: Path, content: bytes) -> None:
    """As a PNG of 256 colours, a third of the size."""
    path.parent.mkdir(exist_ok=True)
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
