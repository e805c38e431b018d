"""The page as people meet it: in a real browser."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from browsing import chromium, tab
from directory_service import Service, served
from page_registry import EVIL_MODEL, EVIL_THING, MARKUP, NANO, SENSE, fill
from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.directory.settings import Settings
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.projects.make import Wanted, project
from tinylearn.registry.vocabulary import TD

EVIL_LINK = "javascript:document.title='run'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("page")
    with served(folder / "store") as service:
        iris = fill(service.store, folder)
        link = NamedNode(EVIL_LINK)
        about = [Triple(link, NamedNode(TD + "title"), Literal(MARKUP)),
                 Triple(link, NamedNode("urn:test:of"), NamedNode(EVIL_THING))]  # fmt: skip
        Catalog(service.store).put_triples("urn:test:links", about)
        needs = {Mode.INFERENCE: Need(1000, 1000)}
        bare = Model("urn:test:bare", "bare", needs, arithmetic="float32")
        Catalog(service.store).put_model(bare, ())
        yield service, iris


@pytest.fixture
def page(browser: Any, filled: tuple[Service, dict[str, str]]) -> Iterator[Any]:
    with tab(browser, base_url=filled[0].url, viewport={"width": 1280, "height": 900}) as found:
        yield found


def show(page: Any, view: str, **parameters: str) -> None:
    """Opens a view anew."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    page.goto("about:blank")
    page.goto(f"/#/{view}?{query}")
    page.locator("main h1").wait_for()


def rows(page: Any) -> Any:
    return page.locator("main tbody tr")


def heading(page: Any, text: str) -> None:
    page.get_by_role("heading", level=1, name=text, exact=True).wait_for()


def test_browse_and_search(page):
    page.goto("/")
    page.get_by_role("link", name="See what fits").wait_for()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Devices").click()
    heading(page, "Devices")
    assert page.title() == "Devices · tinylearn registry"
    page.get_by_role("searchbox", name="Search devices").fill("nano 33 ble sense")
    page.get_by_text("1 devices", exact=True).wait_for()
    assert rows(page).count() == 1 and "262.1 kB" in rows(page).inner_text()
    assert "q=nano" in page.url, "what is shown can be linked to"
    page.get_by_role("link", name="Arduino Nano 33 BLE Sense").click()
    heading(page, "Arduino Nano 33 BLE Sense (nRF52840)")
    assert page.get_by_text("3 of 4 fit").is_visible() and page.get_by_text("microphone").count()
    page.get_by_text("Thing Description", exact=True).click()
    page.get_by_text(f'"id": "{SENSE}"').wait_for()
    page.get_by_role("link", name="motion").click()
    heading(page, "motion")
    assert page.get_by_role("region", name="Devices that run it").get_by_text("2 of 15 fit")
    assert page.get_by_role("table", name="Layers").get_by_text("Softmax").count()
    page.go_back()
    heading(page, "Arduino Nano 33 BLE Sense (nRF52840)")


def test_lists_have_pages_and_filters(page):
    show(page, "devices", limit="4")
    assert rows(page).count() == 4
    first = rows(page).first.inner_text()
    page.get_by_role("button", name="Next devices").click()
    page.get_by_text(re.compile("^5–8 of")).wait_for()
    assert rows(page).first.inner_text() != first
    page.get_by_label("With sensor").select_option(label="microphone (1)")
    page.get_by_text("1 devices", exact=True).wait_for()
    show(page, "devices", q="press-7")
    assert "online" in rows(page).inner_text() and "round 40" in rows(page).inner_text()


def test_the_matrix_says_why_not(page):
    show(page, "match")
    mark = page.get_by_role("button", name=re.compile(r"^words on Arduino Nano 33 BLE \(nRF"))
    assert mark.inner_text() == "S"
    why = page.get_by_role("complementary", name="Why")
    mark.hover()
    assert "no microphone" in why.inner_text()
    page.mouse.move(0, 0)
    why.wait_for(state="hidden")
    mark.click()
    why.get_by_text("of 262.1 kB").wait_for()
    assert why.get_by_role("button", name="Generate").count() == 0
    why.get_by_role("button", name="Close").click()
    why.wait_for(state="hidden")
    page.get_by_label("Learning").check(force=True)
    page.wait_for_url(re.compile("mode=learning"))
    page.get_by_role("searchbox", name="Models").fill("motion")
    page.get_by_text(re.compile("× 1 models; shown")).wait_for()


def test_float_without_fpu_if_one_likes(page):
    show(page, "match", deviceWords="MPS2 Cortex-M3 AN385", modelWords="bare")
    mark = page.get_by_role("button", name=re.compile("^bare on Arm MPS2 AN385"))
    assert mark.inner_text() == "P"
    page.get_by_label("float without FPU is fine").check()
    page.get_by_text("shown: 1 of 1 fit").wait_for()
    mark.click()
    why = page.get_by_role("complementary", name="Why")
    why.get_by_role("button", name="Generate project").wait_for()
    assert "runs in software" in why.inner_text() and "✓ fits" in why.inner_text()


def test_the_matrix_by_keyboard(page):
    show(page, "match", deviceWords="nano", modelWords="tinylearn:model")
    assert page.locator(".matrix [tabindex='0']").count() == 1, "one stop of the tab key"
    page.locator(".matrix [tabindex='0']").focus()
    why = page.get_by_role("complementary", name="Why")
    assert "motion" in why.inner_text()
    page.keyboard.press("ArrowRight")
    assert "no microphone" in why.inner_text()
    page.keyboard.press("ArrowDown")
    assert "fits" in why.inner_text() and "does not" not in why.inner_text()
    page.keyboard.press("Enter")
    why.get_by_role("button", name="Generate project").wait_for()
    page.keyboard.press("Escape")
    why.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("words on")


def test_the_page_by_keyboard(page):
    page.goto("/")
    page.get_by_role("link", name="See what fits").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("link", name="Models").first.focus()
    page.keyboard.press("Enter")
    heading(page, "Models")
    assert page.evaluate("document.activeElement.tagName") == "H1", "readers are told what is new"


def run(page: Any) -> Any:
    page.get_by_role("button", name="Run", exact=True).click()
    answer = page.get_by_role("region", name="Answer")
    answer.get_by_text("Asking").wait_for(state="hidden")
    return answer


def test_an_example_query(page, filled):
    show(page, "query")
    page.get_by_role("button", name=re.compile("^models-for-device")).click()
    page.get_by_label(re.compile("^device:")).fill(NANO)
    page.get_by_label(re.compile("^mode")).select_option("learning")
    answer = run(page)
    answer.get_by_role("heading", name="1 row").wait_for()
    with page.expect_download() as saved:
        answer.get_by_role("button", name="Save as CSV").click()
    lines = saved.value.path().read_text().splitlines()
    assert lines[0].startswith("model,title") and filled[1]["motion"] in lines[1]
    answer.get_by_role("link", name=filled[1]["motion"]).click()
    heading(page, "motion")


def test_ones_own_query(page):
    show(page, "query")
    text = page.get_by_label("SPARQL", exact=True)
    text.fill('SELECT ?m ("a,b" AS ?x) (1.5 AS ?n) { ?m a '
              "<http://tinyml-schema.org/networkschema#NeuralNetwork> }")  # fmt: skip
    answer = run(page)
    answer.get_by_role("heading", name="4 rows").wait_for()
    assert "is deprecated: read as" in answer.get_by_text("deprecated").inner_text()
    text.fill("ASK {}")
    text.press("Control+Enter")
    answer.get_by_text("Yes.").first.wait_for()
    text.fill(f"DESCRIBE <{EVIL_MODEL}>")
    run(page).get_by_role("heading", name=re.compile(r"\d+ triples")).wait_for()
    assert answer.get_by_text(MARKUP).count() >= 1, "literals of triples are unescaped"


def test_a_failing_query_is_told_kindly(page):
    show(page, "query")
    page.get_by_label("SPARQL", exact=True).fill("SELECT * WHERE { ?s ?p }")
    alert = run(page).get_by_role("alert")
    assert "not understood" in alert.inner_text() and "line 1" in alert.inner_text()
    page.get_by_role("button", name=re.compile("^models-by-task")).click()
    page.get_by_label(re.compile("^task:")).fill("<nothing")
    assert "is not an IRI" in run(page).get_by_role("alert").inner_text()


def test_what_fits_becomes_a_project(page, filled, tmp_path):
    service, models = filled
    show(page, "device", iri=NANO)
    page.get_by_role("button", name=re.compile("^Generate project: motion")).click()
    box = page.get_by_role("dialog", name="Generate project")
    box.get_by_label("Format").select_option("library")
    with page.expect_download(timeout=60_000) as saved:
        box.get_by_role("button", name="Download zip").click()
    assert saved.value.suggested_filename == "motion.zip"
    with zipfile.ZipFile(saved.value.path()) as archive:
        archive.extractall(tmp_path)
    wanted = project(service.store, models["motion"], NANO, Wanted(project_format="library"))
    for name, content in wanted.files.items():
        assert (tmp_path / "motion" / name).read_bytes() == content
    box.get_by_label("Format").select_option("cmake")
    box.get_by_role("button", name="Download zip").click()
    assert "--format arduino" in box.get_by_role("alert").inner_text(timeout=60_000)
    page.keyboard.press("Escape")
    box.wait_for(state="detached")


def test_a_dialog_goes_with_the_view_that_it_is_of(page):
    show(page, "devices")
    page.goto(f"/#/device?iri={quote(NANO, safe='')}")
    page.get_by_role("button", name=re.compile("^Generate project: motion")).click()
    box = page.get_by_role("dialog", name="Generate project")
    box.wait_for()
    page.go_back()
    heading(page, "Devices")
    box.wait_for(state="detached")


def test_an_empty_registry_says_so(browser, tmp_path):
    with served(tmp_path / "store") as service, tab(browser, base_url=service.url) as page:
        show(page, "match")
        assert page.get_by_text("Nothing to compare: no device yet.").is_visible()


def test_a_column_of_short_names_is_not_squeezed(page):
    """Where an IRI may break anywhere and its neighbours are long."""
    long = "word " * 200
    text = f'SELECT ?s ?p ?o {{ VALUES (?s ?p ?o) {{ ("{long}" <{TD}hasPropertyAffordance> "{long}") }} }}'
    show(page, "query")
    page.get_by_label("SPARQL", exact=True).fill(text)
    run(page).get_by_role("heading", name="1 row").wait_for()
    widths = page.locator("main tbody tr:first-child td").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width)"
    )
    assert len(widths) == 3 and min(widths) > 100


def test_titles_do_not_run(page):
    for view, iri in (("things", ""), ("models", ""), ("match", ""), ("device", EVIL_THING),
                      ("model", EVIL_MODEL), ("about", EVIL_LINK), ("device", SENSE)):  # fmt: skip
        show(page, view, iri=iri)
        assert page.locator("main img, main script").count() == 0, view
        assert "run" not in page.title().split(), view
    show(page, "device", iri=EVIL_THING)
    heading(page, MARKUP)
    show(page, "query", text="SELECT ?s ?o { ?s ?p ?o FILTER(STRSTARTS(STR(?s), 'javascript')) }")
    page.get_by_role("heading", name="2 rows").wait_for()
    links = page.locator("main td a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links and all(link.startswith("#/about?iri=") for link in links)
    page.locator("main td a").first.click()
    page.get_by_text("something that others speak of").wait_for()
    for link in page.locator("main a").evaluate_all("all => all.map(a => a.href)"):
        assert link.startswith("http://127.0.0.1:"), link


def test_addresses_that_lead_nowhere(page):
    page.goto("/#/nothing?x=%")
    assert "no such page" in page.get_by_role("alert").inner_text()
    show(page, "model", iri="urn:not:there")
    assert "Not there" in page.get_by_role("alert").inner_text()
    show(page, "devices", offset="x")
    assert "whole number" in page.get_by_role("alert").inner_text()


def test_narrow_and_dark(browser, filled):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
    with tab(browser, base_url=filled[0].url, **options) as page:
        for view in ("", "devices", "models", "match", "query", "things"):
            show(page, view)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{view} is {wide} pixels wider than the screen"
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, re.findall(r"\d+", background))) < 150


def test_a_service_that_wants_a_token(browser, tmp_path):
    settings = Settings(tokens=("one-token",), read="token")
    with (served(tmp_path / "s", settings) as service,
          tab(browser, base_url=service.url) as page):  # fmt: skip
        page.goto("/#/devices")
        box = page.get_by_role("dialog", name="This registry asks for a token")
        assert box.get_by_role("alert").is_hidden()
        for given in ("wrong", "one-token"):
            box.get_by_label("Token").fill(given)
            box.get_by_role("button", name="Continue").click()
            if given == "wrong":
                box.get_by_text("not known here").wait_for()
        page.get_by_text("No devices yet").wait_for()
        stored = page.evaluate(
            "[Object.values(sessionStorage), localStorage.length, document.cookie]"
        )
        assert stored == [["one-token"], 0, ""] and "one-token" not in page.url
        page.get_by_role("button", name="Forget token").click()
        box.get_by_role("button", name="Cancel").click()
        assert "shows nothing without" in page.get_by_role("alert").inner_text()


def test_what_the_page_loads_is_from_here(page, filled):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, "match")
    show(page, "query")
    own = filled[0].url + "/"
    assert len(asked) > 10 and all(url.startswith((own, "about:")) for url in asked)
