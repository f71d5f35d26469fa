"""The style guide shows what there is, without a shop behind it."""

import re

import pytest
from flask.testing import FlaskClient

from storefront import create_app
from storefront.settings import read_settings
from tests.fixtures.shop import Shop, environment

PRODUCTION = {
    "STOREFRONT_ENV": "production",
    "SECRET_KEY": "long-enough-for-production",
    "BASE_URL": "https://luna.example",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_DEFAULT_SENDER": "studio@luna.example",
}


def test_a_production_shop_has_none() -> None:
    app = create_app(read_settings(environment("postgresql://x/y", **PRODUCTION)))

    assert not [rule for rule in app.url_map.iter_rules() if "style" in rule.rule]


def samples(client: FlaskClient) -> list[str]:
    """List the pages that the guide leads to."""
    found = re.findall(r'href="(/styleguide/[^"]+)"', client.get("/styleguide").text)
    return list(dict.fromkeys(found))


def test_it_leads_to_every_page_in_each_of_its_states(shop: Shop) -> None:
    client = shop.app.test_client()
    paths = samples(client)
    assert len(paths) > 30

    headings = set()
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert len(re.findall("<h1[ >]", answer.text)) == 1, path
        headings.update(re.findall(r"<h1[^>]*>\s*(.*?)\s*</h1>", answer.text, re.S))
    assert len(headings) > 20


def test_it_shows_each_kind_of_card_and_what_pauses(shop: Shop) -> None:
    page = shop.get("/styleguide").text

    assert page.count('<article class="card') == 7
    for shown in ("Mara is on the road", "¥9,000", "KWD", "€70.00 per session"):
        assert shown in page


def test_it_names_the_colours_that_the_theme_decides(shop: Shop) -> None:
    page = shop.get("/styleguide").text

    for colour in ("paper", "ink", "rubric", "art-gilt"):
        assert f'fill="var(--{colour})"' in page


@pytest.mark.parametrize(
    "sample", ["nothing", "order-", "order-stolen", "error-418", "error-²", "%00"]
)
def test_what_it_does_not_know_is_a_404(shop: Shop, sample: str) -> None:
    assert shop.get(f"/styleguide/{sample}").status_code == 404


def test_nothing_of_it_is_stored(shop: Shop) -> None:
    client = shop.app.test_client()
    for path in samples(client):
        client.get(path)

    assert shop.rows("SELECT * FROM orders") == []
