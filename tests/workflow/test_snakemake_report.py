"""Snakemake's own report, as one file and as a zip, holds the page and opens it offline."""

import zipfile

import pytest


@pytest.fixture(scope="module")
def reports(finished, tmp_path_factory):
    """The files to open: the HTML report, and the one in the zip among other files."""
    folder = tmp_path_factory.mktemp("reports")
    for name in ("report.html", "zipped.zip"):
        ended = finished.run("--report", str(folder / name))
        assert ended.returncode == 0, ended.stdout
    with zipfile.ZipFile(folder / "zipped.zip") as archive:
        archive.extractall(folder)
    return {"html": folder / "report.html", "zip": folder / "zipped/report.html"}


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_tables_figures_and_the_page_have_captions_categories_and_labels(reports, kind):
    text = reports[kind].read_text("utf-8")
    for said in (
        "Blind spots of neural networks",  # the workflow's
        "All tables and figures of run", "A tidy table",  # captions
        '"Tables": {"experiment both"', '"Figures": {"experiment both"', '"Report": {',
        '"report": "everything on one page"',
        '"table": "errors", "name": "errors"', '"figure": "examples", "name": "examples"',
    ):  # fmt: skip
        assert said in text


def test_the_zip_has_the_page_and_every_table_as_the_run_left_them(reports, finished):
    files = {path.name: path for path in (reports["zip"].parent / "data").rglob("*.*")}
    made = [finished.results / "report.html", *finished.results.glob("tables/*.parquet"),
            *finished.results.glob("figures/*.svg")]  # fmt: skip
    assert len(made) == 7
    for path in made:
        assert files[path.name].read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_the_page_opens_inside_it_without_a_network(browser, reports, kind):
    context = browser.new_context(offline=True)
    page, fetched = context.new_page(), []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(reports[kind].as_uri())
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator("a[iconname=eye]").click()
    inside = page.locator("iframe").element_handle().content_frame()
    assert inside.locator("h1").inner_text() == "Blind spots: small"
    inside.get_by_role("combobox", name="Made for").select_option(index=1)
    assert inside.locator("#stage img").count() == 3
    inside.get_by_role("button", name="Dark theme").click()
    with page.expect_download() as started:
        inside.locator("a[download='small-errors.csv']").click()
    assert started.value.suggested_filename == "small-errors.csv"
    context.close()
    assert {url.partition(":")[0] for url in fetched} <= {"file", "data"}
