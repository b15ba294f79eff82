"""Time to make the report and to open it: ``python -m benchmarks.report_page CONFIG...``.

It makes the report of a finished run again, and opens it in a headless Chromium five times.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

from blindspots.config.reading import laid_over

ROOT = Path(__file__).parents[1]
OPENED = 5
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def paints(path: Path) -> list[tuple[float, float]]:
    """Milliseconds to the first contentful paint, and until it is loaded, each time."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for _ in range(OPENED):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.absolute().as_uri())
            page.wait_for_function(f"{LOADED} > 0 && !!{PAINT}")
            found.append((page.evaluate(PAINT), page.evaluate(LOADED)))
            page.close()
        browser.close()
    return found


def main() -> None:
    """Run and print."""
    configs = sys.argv[1:]
    if not configs:
        sys.exit("expected a config, and what lies over it; found none")
    config: dict = {}
    for name in configs:
        config = laid_over(config, yaml.safe_load(Path(name).read_text("utf-8")))
    run = config.get("run", Path(configs[0]).stem)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "1", "--configfile", *configs, "--forcerun", "report"]
    command += ["--rerun-triggers", "mtime", "--quiet", "all"]
    subprocess.run(command, check=True)
    job = json.loads(Path(f"logs/{run}/report.jsonl").read_text("utf-8"))
    report = Path(f"results/{run}/report.html")
    times = paints(report)
    print(f"made in {job['s']:.1f} s with {job['max_rss']:.0f} MB of memory")
    print(f"size {report.stat().st_size / 2**20:.2f} MiB")
    for what, place in (("first contentful paint", 0), ("loaded", 1)):
        print(f"{what} after {', '.join(f'{each[place]:.0f}' for each in times)} ms")


if __name__ == "__main__":
    main()
