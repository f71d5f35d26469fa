"""Every route: protected, safe in its headers, and never broken by what is sent."""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.routing import Rule

from storefront import create_app
from storefront.extensions import csrf, db
from storefront.settings import read_settings
from tests.fixtures.shop import READING, Placed, Shop, environment

# JSON that browsers do not send from other sites; deliveries that Stripe signs.
WITHOUT_TOKEN = {"checkout_api", "webhooks"}
UNKNOWN = "0b4d8a06-4b67-4d0c-9d0e-9d6f6c3f9a11"
HTTPS = "https://luna.example"
APP = create_app(read_settings({"STOREFRONT_ENV": "development"}))
RULES = sorted(APP.url_map.iter_rules(), key=lambda rule: rule.rule)
READ = [rule for rule in RULES if "GET" in (rule.methods or ())]
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
WRITTEN = [rule for rule in RULES if CHANGES & (rule.methods or set())]


def name_of(rule: Rule) -> str:
    """Name a route as people do."""
    return str(rule.rule)


def is_protected(rule: Rule) -> bool:
    """Tell whether forms need a token here."""
    return rule.endpoint.split(".")[0] not in WITHOUT_TOKEN


def address(rule: Rule, **values: str) -> str:
    """Fill a rule in; what is not given is something that does not exist."""

    def fill(match: re.Match[str]) -> str:
        kind, _, name = match[1].rpartition(":")
        unknown = UNKNOWN if kind == "uuid" else "nothing-of-that-name"
        return values.get(name, unknown)

    path = re.sub(r"<([^>]+)>", fill, rule.rule)
    needs = {"/checkout": f"?service_id={values.get('product_id', 'nothing')}"}
    return path + needs.get(path, "")


def good_values(placed: Placed) -> dict[str, str]:
    """Give what a customer's links hold."""
    return {
        "product_id": READING,
        "token": placed.token,
        "order_id": placed.id,
        "sample": "order-paid",
    }


def page_token(shop: Shop) -> str:
    """Give a form's token, with the cookie that belongs to it."""
    page = shop.get(f"/checkout?service_id={READING}").text
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
    return str(token)


# What there is


CONTRACT = [
    ("GET", "/", 200),
    ("GET", f"/products/{READING}", 200),
    ("GET", f"/checkout?service_id={READING}&quantity=2", 200),
    ("GET", "/checkout", 404),
    ("GET", "/products/nothing", 404),
    ("GET", "/products/almanac-2026", 410),
    ("GET", "/checkout?service_id=almanac-2026", 410),
    ("POST", "/checkout", 400),
    ("POST", "/api/checkout", 415),
    ("POST", "/api/webhooks/stripe", 400),
    ("POST", "/api/webhooks/stripe/", 400),
    ("GET", f"/api/orders/{UNKNOWN}", 404),
    ("GET", "/api/products", 200),
    ("GET", "/api/openapi.json", 200),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/orders/nothing", 404),
    ("GET", "/orders/nothing/status", 404),
    ("POST", "/orders/nothing/pay", 400),
    ("GET", "/.env", 404),
    ("GET", "/.git/config", 404),
    ("GET", "/console", 404),
    ("GET", "/static/../settings.py", 404),
    ("DELETE", "/checkout", 405),
    ("PUT", "/api/checkout", 405),
    ("GET", "/api/checkout", 405),
    ("GET", "/api/webhooks/stripe", 405),
    ("TRACE", "/", 405),
]


def test_every_address_of_the_contract_answers(shop: Shop) -> None:
    for method, path, status in CONTRACT:
        answer = shop.http.request(
            method, shop.url + path, allow_redirects=False, timeout=30
        )
        assert answer.status_code == status, (method, path)
        assert (status == 405) == ("Allow" in answer.headers), (method, path)


def test_a_customers_links_answer(shop: Shop) -> None:
    placed = shop.place()
    values = good_values(placed)
    for rule in READ:
        answer = shop.get(address(rule, **values))
        # The reading has no file to download, and no receipt before it is paid.
        is_missing = "files" in rule.rule or "receipt" in rule.rule
        assert answer.status_code == (404 if is_missing else 200), rule


def test_errors_of_the_api_are_problems(shop: Shop) -> None:
    for path in ("/api/orders/1", "/api/nothing", "/api/checkout"):
        answer = shop.get(path)
        assert answer.headers["Content-Type"] == "application/problem+json"
        told = answer.json()
        assert told["status"] == answer.status_code
        assert {"type", "title", "status", "detail"} <= set(told)


def test_the_description_of_the_api_names_every_route_of_it(shop: Shop) -> None:
    paths = shop.get("/api/openapi.json").json()["paths"]
    ours = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in RULES
        if rule.rule.startswith("/api/")
    }
    # Not for clients: Stripe's door, and the description itself.
    assert set(paths) == ours - {"/api/webhooks/stripe", "/api/openapi.json"}


# Forms


def test_only_these_parts_do_without_a_token() -> None:
    assert {part.name for part in csrf._exempt_blueprints} == WITHOUT_TOKEN
    assert not csrf._exempt_views


def test_nothing_is_changed_by_reading() -> None:
    both = [rule.rule for rule in RULES if {"GET", "POST"} <= (rule.methods or set())]
    assert both == []


def test_no_form_is_taken_without_its_token(shop: Shop) -> None:
    placed = shop.place()
    page_token(shop)
    before = shop.rows("SELECT * FROM orders")
    for rule in filter(is_protected, WRITTEN):
        path = address(rule, **good_values(placed))
        assert shop.post(path).status_code == 400, rule
        for forged in ("", "forged", "\x00", "é"):
            answer = shop.post(path, data={"csrf_token": forged})
            assert answer.status_code == 400, (rule, forged)
    assert shop.rows("SELECT * FROM orders") == before


def test_no_form_is_taken_with_the_token_of_another_visitor(shop: Shop) -> None:
    token = page_token(shop)
    placed = shop.place()
    with requests.Session() as other:
        other.trust_env = False
        for rule in filter(is_protected, WRITTEN):
            url = shop.url + address(rule, **good_values(placed))
            answer = other.post(
                url, data={"csrf_token": token}, timeout=30, allow_redirects=False
            )
            assert answer.status_code == 400, rule


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_form_of_another_site_is_taken_token_or_not(shop: Shop, site: str) -> None:
    sent = {"csrf_token": page_token(shop)}
    placed = shop.place()
    for rule in WRITTEN:
        answer = shop.post(
            address(rule, **good_values(placed)),
            data=sent,
            headers={"Sec-Fetch-Site": site},
        )
        assert answer.status_code == 403, rule


def test_reading_from_another_site_is_welcome(shop: Shop) -> None:
    answer = shop.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


# Headers

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def crawl(app: Flask, base: str, values: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Give an answer of every route, of every kind of error, and of every asset."""
    client = app.test_client()
    for rule in READ:
        for given in (values, {}):
            path = address(rule, **given)
            yield path, client.get(path, base_url=base)
            yield (
                f"fragment {path}",
                client.get(path, base_url=base, headers={"HX-Request": "true"}),
            )
    for rule in WRITTEN:
        path = address(rule, **values)
        yield f"POST {path}", client.post(path, base_url=base)
        yield f"PUT {path}", client.put(path, base_url=base)
        yield f"HEAD {path}", client.head(path, base_url=base)
    yield "/nowhere", client.get("/nowhere", base_url=base)
    yield (
        "another site's",
        client.post(
            "/checkout", base_url=base, headers={"Sec-Fetch-Site": "cross-site"}
        ),
    )
    yield "gone", client.get("/products/almanac-2026", base_url=base)
    yield (
        "too large",
        client.post(
            "/api/checkout",
            data=b" " * 70_000,
            content_type="application/json",
            base_url=base,
        ),
    )


def asset_paths(app: Flask) -> list[str]:
    """Give the addresses of the static files that pages name."""
    asset: Any = app.jinja_env.globals["asset"]
    names = ["css/shop.css", "js/shop.js", "themes/lunaria/mark.svg", "htmx.min.js"]
    return [asset(name) for name in names]


def policy(answer: Any) -> dict[str, str]:
    """Give the parts of a content security policy."""
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_every_answer_bears_the_headers_of_safety(shop: Shop) -> None:
    placed = shop.place()
    for path, answer in crawl(shop.app, shop.url, good_values(placed)):
        for name, value in ALWAYS.items():
            assert answer.headers.get(name) == value, (path, name)
        assert "camera=()" in answer.headers["Permissions-Policy"], path
        assert answer.headers.get("Cache-Control"), path
        assert answer.headers.get("X-Request-Id"), path
        rules = policy(answer)
        assert rules["default-src"] == "'none'", path
        assert rules["script-src"] == rules["style-src"] == "'self'", path
        assert rules["frame-ancestors"] == rules["base-uri"] == "'none'", path
        if answer.mimetype == "text/html":
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8", path
        assert "X-Powered-By" not in answer.headers, path
        assert answer.status_code < 500, path


def test_forms_may_end_at_the_payment_page_and_nowhere_else(shop: Shop) -> None:
    origins = policy(shop.get("/"))["form-action"].split()
    assert origins == ["'self'", "https://checkout.stripe.com", shop.emulator.url]


def test_what_is_personal_is_kept_by_nobody(shop: Shop) -> None:
    placed = shop.place()
    for path in (
        f"/orders/{placed.token}",
        f"/orders/{placed.token}/status",
        f"/orders/{placed.token}/receipt.pdf",
        f"/api/orders/{placed.id}",
        f"/checkout?service_id={READING}",
    ):
        assert shop.get(path).headers["Cache-Control"] == "no-store", path
    page = shop.get(f"/orders/{placed.token}")
    assert page.headers["X-Robots-Tag"] == "noindex"


@pytest.fixture
def secure(shop: Shop) -> Iterator[Flask]:
    """Give the app of the same shop as people reach it by https."""
    app = create_app(read_settings(environment(shop.database_url, BASE_URL=HTTPS)))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_shop_on_https_says_so_with_every_page(secure: Flask) -> None:
    for path, answer in crawl(secure, HTTPS, {"product_id": READING}):
        kept = answer.headers.get("Strict-Transport-Security", "")
        assert "max-age=31536000" in kept, path


def test_a_shop_on_https_says_so_with_every_static_file(secure: Flask) -> None:
    client = secure.test_client()
    for path in asset_paths(secure):
        answer = client.get(path, base_url=HTTPS, buffered=True)
        kept = answer.headers.get("Strict-Transport-Security", "")
        assert "max-age=31536000" in kept, path


def test_cookies_of_a_shop_on_https_belong_to_its_host(secure: Flask) -> None:
    client = secure.test_client()
    answer = client.get(f"/checkout?service_id={READING}", base_url=HTTPS)
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_pages_without_a_form_set_no_cookie(shop: Shop) -> None:
    for path in ("/", f"/products/{READING}", "/api/products"):
        assert "Set-Cookie" not in shop.get(path).headers, path


def test_static_files_are_kept_for_ever_and_safe(shop: Shop) -> None:
    for path in asset_paths(shop.app):
        answer = shop.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"], path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "Access-Control-Allow-Origin" not in answer.headers, path


def test_a_drawing_opened_by_itself_runs_nothing(shop: Shop) -> None:
    asset: Any = shop.app.jinja_env.globals["asset"]
    answer = shop.get(asset("themes/lunaria/mark.svg"))
    assert policy(answer)["default-src"] == "'none'"


# Hosts


HOSTS = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost@evil",
    "127.0.0.1 evil",
    "[",
    "\xe9vil.example",
]


def ask_as(shop: Shop, host: str, path: str) -> tuple[int, dict[str, str], str]:
    """Get a page under another host's name; give status, headers and text."""
    parts = urlsplit(shop.url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as line:
        line.putrequest("GET", path, skip_host=True)
        line.putheader("Host", host)
        line.endheaders()
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/products", "/api/nothing"])
def test_other_peoples_hosts_are_refused(shop: Shop, path: str) -> None:
    told = {host: ask_as(shop, host, path) for host in HOSTS}
    assert {host: answer[0] for host, answer in told.items()} == dict.fromkeys(
        HOSTS, 400
    )
    assert not any("//evil" in text for _, _, text in told.values())
    assert all(ALWAYS.items() <= headers.items() for _, headers, _ in told.values())


def test_no_forwarded_host_gets_into_a_page(shop: Shop) -> None:
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    assert "evil.example" not in shop.get("/", headers=evil).text


# Whatever is sent

STRANGE = [
    "%00",
    "a%00b",
    "%0d%0aSet-Cookie:x=1",
    "%ff%fe",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "'%20OR%20'1'='1",
    "{{7*7}}",
    "<script>",
    "%f0%9f%8c%99",
    "x" * 3000,
    "-",
    "9" * 5000,
    "1e400",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_strange_in_an_address_breaks_a_route(shop: Shop, method: str) -> None:
    data = {"csrf_token": page_token(shop)} if method == "POST" else None
    answers = {}
    for strange in STRANGE:
        values = dict.fromkeys(["product_id", "token", "order_id"], strange)
        for rule in RULES:
            if "<" in rule.rule and method in (rule.methods or ()):
                url = shop.url + address(rule, **values)
                answer = shop.http.request(
                    method, url, data=data, timeout=30, allow_redirects=False
                )
                answers[rule.rule, strange[:20]] = answer.status_code
    assert {place: s for place, s in answers.items() if s not in (404, 405)} == {}


def test_nothing_strange_in_a_question_breaks_a_page(shop: Shop) -> None:
    token = shop.place().token
    answers = {}
    for strange in STRANGE:
        for path in (
            f"/checkout?service_id={READING}&quantity={strange}",
            f"/checkout?service_id={strange}",
            f"/checkout?service_id={READING}&{strange}=1",
            f"/orders/{token}?from={strange}",
            f"/orders/{token}/status?since={strange}&every={strange}",
        ):
            answers[path[:80]] = shop.get(path).status_code
    assert {path: s for path, s in answers.items() if s not in (200, 204, 404)} == {}


FIELDS = {
    "service_id": READING,
    "quantity": "1",
    "email": "ana@example.com",
    "name": "Ana Lima",
    "note": "",
    "checkout_token": "x" * 43,
}
STRANGE_TEXT = [
    "\x00",
    "\r\n",
    "9" * 5000,
    "{{7*7}}",
    "x" * 60_000,
    "<b>",
    "²",
    "\ufffe",
]


@pytest.mark.parametrize("name", FIELDS)
def test_nothing_strange_in_a_field_breaks_the_form(shop: Shop, name: str) -> None:
    form = {**FIELDS, "csrf_token": page_token(shop)}
    answers = {
        strange[:10]: shop.post("/checkout", data={**form, name: strange}).status_code
        for strange in STRANGE_TEXT
    }
    good = (303, 400, 404, 413, 422)
    assert {strange: s for strange, s in answers.items() if s not in good} == {}


def test_a_form_that_is_no_utf8_does_not_break_it(shop: Shop) -> None:
    body = f"csrf_token={quote(page_token(shop))}&service_id=%ff&name=%fe%00&quantity=1"
    answer = shop.post(
        "/checkout",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code in (400, 404, 422)


def test_every_method_on_every_route_has_an_answer(shop: Shop) -> None:
    values = good_values(shop.place())
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "MOON"):
        for rule in RULES:
            answer = shop.http.request(
                method,
                shop.url + address(rule, **values),
                timeout=30,
                allow_redirects=False,
            )
            assert answer.status_code < 500, (method, rule)


def test_every_token_that_is_none_gets_the_same_answer(shop: Shop) -> None:
    token = shop.place().token
    wrong = [
        "nothing",
        token[:-1],
        token + "x",
        token.swapcase(),
        secrets.token_urlsafe(32),
    ]
    texts = {
        re.sub(r"<code>\w+</code>", "", shop.get(f"/orders/{one}").text)
        for one in wrong
    }
    assert len(texts) == 1
