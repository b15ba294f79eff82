import pytest

from tests.pages import rendered


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A page with hostile names, next to the files that it was made from."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(rendered(folder), "utf-8")
    return folder


@pytest.fixture
def visit(browser, made):
    """A function that opens a page, by default the synthetic one; errors and fetches fail."""
    contexts, faults = [], []

    def opened(path=made / "report.html", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: faults.append(request.url)
                if not request.url.startswith(("data:", path.as_uri())) else None)  # fmt: skip
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults
