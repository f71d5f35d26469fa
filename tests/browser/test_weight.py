"""What a first visit costs: bytes on the wire, requests, and leaps of the page."""

import gzip
import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fixtures.gallery import DIGITAL, LANGUAGES, PACK
from tests.fixtures.shop import READING, Shop

pytestmark = pytest.mark.browser

MOST_BYTES, MOST_REQUESTS, MOST_HTML = 60_000, 10, 12_000
WORST_SHIFT = 0.01
SHIFTS = """() => new Promise((tell) => {
  new PerformanceObserver((list) => {
    tell(list.getEntries().reduce((sum, one) => sum + one.value, 0));
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => tell(0), 100);
})"""
PAINTS = """async () => {
  const seen = (type) => new Promise((tell) => {
    new PerformanceObserver((list) => tell(list.getEntries().at(-1).startTime))
      .observe({type, buffered: true});
  });
  const files = performance.getEntriesByType("resource");
  const htmx = files.find((one) => one.name.endsWith("htmx.min.js"));
  return [await seen("paint"), await seen("largest-contentful-paint"), htmx.startTime];
}"""
PAGES = ("/", f"/products/{READING}", f"/products/{PACK}", f"/products/{DIGITAL}")


@pytest.mark.parametrize("path", PAGES[:2])
def test_a_first_visit_is_light_and_calm(shop: Shop, page: Page, path: str) -> None:
    asked: list[str] = []
    sizes: list[float] = []
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.clearBrowserCache")
    line.on("Network.loadingFinished", lambda it: sizes.append(it["encodedDataLength"]))
    line.on("Network.requestWillBeSent", lambda it: asked.append(it["request"]["url"]))

    page.goto(shop.url + path, wait_until="networkidle")
    # All of it is seen once, so that whatever loads late has loaded.
    page.mouse.wheel(0, 20_000)
    page.wait_for_timeout(100)

    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
    assert 10_000 < sum(sizes) <= MOST_BYTES
    assert len(asked) <= MOST_REQUESTS
    assert hosts == {urlsplit(shop.url).netloc}
    assert page.evaluate(SHIFTS) <= WORST_SHIFT
    line.detach()


def test_scripts_that_come_late_move_nothing(shop: Shop, page: Page) -> None:
    def wait(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/*.js", wait)
    page.goto(f"{shop.url}/pt/products/{READING}", wait_until="networkidle")

    expect(
        page.get_by_role("link", name="This page is also in English")
    ).to_be_visible()
    assert page.evaluate(SHIFTS) <= WORST_SHIFT
    page.unroute_all()


def test_a_page_is_painted_whole_and_then_asks_for_what_comes_later(
    shop: Shop, page: Page
) -> None:
    def wait(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/js/*.js", wait)
    page.goto(f"{shop.url}/products/{PACK}", wait_until="networkidle")

    first, largest, later = page.evaluate(PAINTS)
    assert first == largest < later
    page.unroute_all()


def test_static_files_are_compressed_and_kept_for_ever(shop: Shop) -> None:
    html = shop.get(f"/products/{READING}").text
    assets = set(re.findall(r'"(/assets/[^"]+)"', html))
    assert len(assets) >= 4
    for path in assets:
        packed = shop.get(path, headers={"Accept-Encoding": "gzip, br"})
        plain = shop.get(path, headers={"Accept-Encoding": "identity"})
        assert "immutable" in packed.headers["Cache-Control"], path
        assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in plain.headers, path
        if len(plain.content) > 1000 and not path.endswith((".png", ".jpg")):
            assert packed.headers["Content-Encoding"] == "gzip", path
            length = int(packed.headers["Content-Length"])
            assert length < len(plain.content) * 0.7, path
        assert packed.content == plain.content, path


def test_a_part_of_a_static_file_is_sent_as_it_is(shop: Shop) -> None:
    asset = shop.app.jinja_env.globals["asset"]("css/shop.css")  # type: ignore[operator]
    asked = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    part = shop.get(asset, headers=asked)
    assert part.status_code == 206
    assert part.content == shop.get(asset).content[:10]
    assert "Content-Encoding" not in part.headers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_pages_for_everybody_are_compressed_and_asked_for_again(
    shop: Shop, path: str, language: str
) -> None:
    path = path if language == "en" else f"/{language}{path}"
    page = shop.get(path, headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert "Accept-Encoding" in page.headers["Vary"]
    assert len(gzip.compress(page.content)) <= MOST_HTML
    # A page with a token in it must not be compressed.
    assert "csrf_token" not in page.text

    seen = {"If-None-Match": page.headers["ETag"]}
    assert shop.get(path, headers=seen).status_code == 304
    plain = shop.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.text == page.text


def test_pages_of_one_person_are_not_compressed(shop: Shop) -> None:
    token = shop.place().token
    for path in (f"/checkout?service_id={READING}", f"/orders/{token}"):
        page = shop.get(path, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in page.headers, path
        assert "csrf_token" in page.text, path
