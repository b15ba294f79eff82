"""The report in a real browser, with a pointer, with keys and on a phone."""

import base64
import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from blindspots.files import tables
from tests import pages
from tests.pages import HOSTILE, NETS, large, rendered, summary

LARGE = ".summary-table:has(#table-large)"
PHONE = {"width": 360, "height": 740}


def rows_of(page, box=LARGE):
    return page.locator(f"{box} tbody th").all_inner_texts()


def labels(places):
    return [f"{HOSTILE} {place}" for place in places]


def test_rows_are_sorted_by_figure_and_not_by_text(visit):
    page = visit()
    values = large()["value"].to_numpy()
    heading = page.locator(f"{LARGE} thead th").nth(1).get_by_role("button")
    rows = page.locator(f"{LARGE} tbody th")
    heading.click()
    known = np.argsort(values[:9], kind="stable").tolist()
    expect(rows).to_have_text(labels([9, *known]))  # a page sorts when it has the time to
    assert page.locator(f"{LARGE} th[aria-sort=ascending]").count() == 1
    heading.press("Enter")
    expect(rows).to_have_text(labels([*known[::-1], 9]))


def test_a_filter_keeps_the_rows_that_hold_it_and_says_how_many(visit):
    page = visit()
    page.locator(f"{LARGE} input").fill("100.0")
    assert rows_of(page) == labels([2])
    assert page.locator(f"{LARGE} output").inner_text() == "1 of 10 rows"
    page.locator(f"{LARGE} input").fill("")
    assert len(rows_of(page)) == 10
    assert page.locator(f"{LARGE} output").inner_text() == ""


def test_printing_brings_filtered_rows_back(visit):
    page = visit()
    page.locator(f"{LARGE} input").fill("100.0")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(rows_of(page)) == 10


def downloaded(page, kind):
    with page.expect_download() as started:
        page.locator(f".summary-table:has(#table-t) a[download$='.{kind}']").click()
    return started.value


def test_a_table_downloaded_is_the_table(visit, made, tmp_path):
    page = visit()
    parquet = downloaded(page, "parquet")
    assert parquet.suggested_filename == "digits-t.parquet"
    parquet.save_as(tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").equals(pq.read_table(made / "t.parquet"))
    csv = downloaded(page, "csv")
    assert csv.suggested_filename == "digits-t.csv"
    csv.save_as(tmp_path / "t.csv")
    read, expected = pd.read_csv(tmp_path / "t.csv"), summary()
    for column in ("row_label", "value", "low", "paper", "n"):
        assert read[column].dropna().tolist() == expected[column].dropna().tolist()


def test_a_cells_details_are_told_to_pointer_finger_and_keys(visit):
    page = visit(has_touch=True)
    detail = page.locator("#detail")
    cells = page.locator(".summary-table:has(#table-t) td[data-detail]")
    said = (
        "100.0 % error; 256 images; 95% interval 98.5 to 100.0, Wilson's, of a rate on one "
        "network; paper 100"
    )
    cells.nth(0).hover()
    assert detail.inner_text() == said
    page.mouse.move(0, 0)
    assert detail.is_hidden()
    cells.nth(1).tap()
    assert detail.inner_text().startswith("0.062 RMS per pixel")
    cells.nth(0).focus()
    page.keyboard.press("ArrowDown")
    assert detail.inner_text().startswith("12.3 % error; 256 images; mean of 3 seeds")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "detail"
    page.keyboard.press("ArrowDown")  # there is no row below
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert detail.inner_text().startswith("0.062 RMS per pixel")
    page.keyboard.press("Escape")
    assert detail.is_hidden()


def test_the_tab_key_visits_the_cells_of_a_table_once(visit):
    page = visit()
    for name in ("t", "large", "wide"):
        box = page.locator(f".summary-table:has(#table-{name})")
        assert box.locator("td[tabindex='0']").count() == 1
    box.locator("td[data-detail]").nth(5).focus()
    assert box.locator("td[tabindex='0']").count() == 1


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))) / 255


def pick(page, group, victim, image):
    page.locator("select[name=group]").select_option(index=group)
    page.locator("select[name=victim]").select_option(index=victim)
    page.locator("#images input").nth(image).check()


@pytest.mark.parametrize(("group", "source"), [(0, NETS[0]), (1, NETS[1])])
def test_a_picked_example_shows_the_files_pictures_and_answers(visit, made, group, source):
    page = visit()
    pick(page, group, 1, 7)
    table = tables.read(made / "pictures.parquet").slice(14 * group, 14)
    whole = tables.images(tables.read(made / "pictures.parquet"), "original")
    low, high = whole.min(), whole.max()
    uris = page.locator("#stage img").evaluate_all("images => images.map(image => image.src)")
    for uri, column in zip(uris[::2], ("original", "image"), strict=True):
        expected = np.clip((tables.images(table, column)[7, 0] - low) / (high - low), 0, 1)
        assert np.abs(pixels(uri) - expected).max() <= 0.5 / 255 + 1e-6
    answers = tables.read(made / "transfer.parquet").to_pandas()
    answers = answers[
        (answers["source"] == source) & answers["amplified_to"].isna()
        & (answers["seed"] == 0) & (answers["index"] == 107)
    ]  # fmt: skip
    clean = tables.read(made / "clean.parquet").to_pandas()
    shown = page.locator("#stage tbody tr")
    assert shown.count() == len(NETS)
    for row, answer in zip(shown.all(), answers.to_dict("records"), strict=True):
        before, after = row.locator("td").all()
        unaltered = clean[(clean["net"] == answer["victim"]) & (clean["index"] == 107)].iloc[0]
        assert int(before.get_attribute("data-answer")) == unaltered["prediction"]
        assert float(before.get_attribute("data-margin")) == unaltered["margin"]
        for cell, said in ((before, unaltered["prediction"]), (after, answer["prediction"])):
            assert ("✗" in cell.inner_text()) == (said != 7)
            assert (cell.get_attribute("class") == "wrong") == (said != 7)
        assert int(after.get_attribute("data-answer")) == answer["prediction"]
        assert float(after.get_attribute("data-margin")) == answer["margin"]
        assert f"{answer['margin']:+.3g}" in after.inner_text()
    assert page.locator("#stage .picked th").inner_text() == HOSTILE
    assert page.locator("#said").inner_text() == (
        f"{HOSTILE} answers 7 to the original and {answers.iloc[1]['prediction']} "
        "to the perturbed image."
    )


def test_images_are_picked_by_arrow_keys_and_stay_picked_for_another_source(visit):
    page = visit()
    page.locator("#images input").nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#images input").nth(2).is_checked()
    page.get_by_label("Made for").select_option(index=3)
    assert page.locator("#images input").nth(2).is_checked()
    assert "image 102 of train" in page.locator("#stage caption").inner_text()


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_the_readers_and_one_picked_is_remembered(visit):
    dark = ground(visit(color_scheme="dark"))
    page = visit(color_scheme="light")
    light = ground(page)
    assert light != dark
    page.get_by_role("button", name="Dark theme").click()
    assert ground(page) == dark
    page.reload()
    assert ground(page) == dark
    page.get_by_role("button", name="Light theme").click()
    assert ground(page) == light


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_axe_finds_nothing_serious(visit, theme, viewport):
    page = visit(color_scheme=theme, viewport=viewport)
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_tables_of_words_are_whole_on_a_phone_each_cell_with_its_head(visit):
    page = visit(viewport=PHONE)
    for section in ("readings", "audit", "settings"):
        box = page.locator(f"#{section} .scroll")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
        cells = box.locator("tbody td")
        heads = cells.evaluate_all("all => all.map(c => getComputedStyle(c, '::before').content)")
        assert len(heads) > 2 and "none" not in heads
    page = visit()
    wide = page.locator("#settings tbody td").first
    assert wide.evaluate("cell => getComputedStyle(cell, '::before').content") == "none"


def test_no_page_is_wider_than_a_phone_and_a_cut_table_says_so(visit):
    page = visit(viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    wide, narrow = (page.locator(f".summary-table:has(#table-{name})") for name in ("wide", "t"))
    assert wide.locator(".more").is_visible()
    assert wide.locator(".frame[data-more]").count() == 1
    assert narrow.locator(".frame[data-more]").count() == 0
    wide.locator("td[data-detail]").first.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    ninth = wide.locator("td[data-detail]").nth(8)
    assert 100 < ninth.bounding_box()["x"] < 360 - ninth.bounding_box()["width"]
    assert page.locator("#detail").is_visible()
    first = wide.locator("tbody th").first
    before = first.bounding_box()["x"]
    wide.locator(".scroll").evaluate("box => box.scrollTo(box.scrollWidth, 0)")
    expect(wide.locator(".frame[data-more]")).to_have_count(0)
    assert first.bounding_box()["x"] == before


def test_on_paper_tables_are_whole_and_buttons_are_gone(visit):
    page = visit(viewport={"width": 1000, "height": 1400})
    page.emulate_media(media="print")
    assert page.get_by_role("button", name="theme").count() == 0
    assert page.get_by_role("navigation").count() == 0
    for box in page.locator(".scroll").all():
        outside = box.evaluate("box => [getComputedStyle(box).overflow, box.scrollWidth]")
        assert outside[0] == "visible"
        assert outside[1] <= 1000
    assert page.locator("#stage img").count() == 3


def test_without_scripts_everything_is_there_and_no_control_is_dead(visit):
    page = visit(java_script_enabled=False)
    assert len(rows_of(page)) == 10
    assert not page.locator(".with-script").locator("visible=true").count()
    assert page.locator(f"{LARGE} a[download]").count() == 2
    groups = page.locator("#gallery details")
    assert groups.count() == 4
    groups.nth(1).locator("summary").click()
    articles = groups.nth(1).locator("article")
    assert articles.count() == 12
    assert articles.nth(11).locator("img").count() == 3
    assert articles.nth(11).is_visible()


def test_names_that_look_like_markup_are_text(visit):
    page = visit()
    assert page.locator("#table-large").inner_text().startswith(HOSTILE)
    assert HOSTILE in page.locator(".facts").inner_text()
    assert page.get_by_label("Made for").locator("option").nth(1).inner_text() == (
        f"{HOSTILE}, by lbfgs"
    )
    assert page.locator("b", has_text="it's").count() == 0


def test_links_lead_to_what_is_there(visit):
    page = visit()
    targets = page.locator("a[href^='#']").evaluate_all("all => all.map(a => a.hash.slice(1))")
    missing = page.evaluate("ids => ids.filter(id => !document.getElementById(id))", targets)
    assert len(targets) > 15 and not missing
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the summary"


def test_a_filter_leaves_the_tab_key_a_cell_to_visit(visit):
    page = visit()
    page.locator(f"{LARGE} input").fill("100.0")
    assert page.locator(f"{LARGE} td[tabindex='0']").count() == 1
    page.locator(f"{LARGE} input").fill("")
    page.locator(f"{LARGE} td[data-detail]").nth(5).focus()
    assert page.locator(f"{LARGE} td[tabindex='0']").count() == 1


def test_escape_hides_what_the_pointer_shows_and_browsers_keep_their_own_keys(visit):
    page = visit()
    cells = page.locator(".summary-table:has(#table-t) td[data-detail]")
    cells.nth(0).hover()
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    cells.nth(0).focus()
    for held, kept in (("altKey", True), ("ctrlKey", True), ("metaKey", True), ("", False)):
        options = {"key": "ArrowRight", held: True, "bubbles": True, "cancelable": True}
        pressed = "options => document.activeElement.dispatchEvent("
        assert page.evaluate(f"{pressed}new KeyboardEvent('keydown', options))", options) == kept


def test_a_long_name_without_a_space_leaves_a_phone_its_width(visit, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "HOSTILE", "long_name" * 10)
    (tmp_path / "report.html").write_text(rendered(tmp_path / "files"), "utf-8")
    page = visit(tmp_path / "report.html", viewport=PHONE)
    assert page.locator("#stage .answers").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 360
