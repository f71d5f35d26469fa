"""Terms, cancellation, privacy, imprint, questions: from files, in every language."""

import re
from pathlib import Path

import pytest

from storefront.catalog.loader import CatalogInvalid, load_catalog
from storefront.texts.reading import NAMES, PAGES
from storefront.transaction import transaction
from tests.factories.catalog import CATALOG
from tests.fixtures.shop import OpenShop, Shop

LANGUAGES = {"": "en", "/es": "es", "/pt": "pt"}
TEXT = """+++
title = "Our terms"
summary = "In short."
version = "7"
date = 2027-01-02
+++

{words}
"""


def load(shop: Shop, folder: Path) -> None:
    """Load the tests' catalog with a studio's own texts."""
    path = folder / "catalog.toml"
    shop_block = f'texts = "{folder / "texts"}"\nlanguages = ['
    source = CATALOG.read_text("utf-8").replace("languages = [", shop_block, 1)
    path.write_text(source, "utf-8")
    (folder / "almanac.pdf").write_bytes(b"%PDF")
    with shop.app.app_context(), transaction():
        load_catalog(path, "EUR")


def write(folder: Path, words: str, name: str = "terms", *languages: str) -> None:
    """Write a text in some languages, all unless named."""
    for language in languages or LANGUAGES.values():
        path = folder / "texts" / language / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT.replace("{words}", words), "utf-8")


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_each_text_is_a_page_in_each_language(shop: Shop, prefix: str) -> None:
    base = shop.app.config["SETTINGS"].base_url
    for name in (*PAGES, "faq"):
        answer = shop.get(f"{prefix}/{name}")

        assert answer.status_code == 200
        assert f'<html lang="{LANGUAGES[prefix]}">' in answer.text
        assert len(re.findall("<h1[ >]", answer.text)) == 1
        assert re.search(r'<meta name="description" content="[^"]{20,}">', answer.text)
        assert f'rel="canonical" href="{base}{prefix}/{name}"' in answer.text
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_a_text_names_who_sells(shop: Shop, prefix: str) -> None:
    for name in PAGES:
        page = shop.get(f"{prefix}/{name}").text
        main = page.partition("<main")[2].partition("</main>")[0]

        assert "Lunaria, Mara Quintela" in main
        assert "Rua do Poço 3, Porto" in main
        assert '<a href="mailto:mara@lunaria.example">' in main
        assert ("PT123456789" in main) == (name in ("terms", "imprint"))
        assert not re.search(r"\{\w+\}", main)


def test_a_text_tells_its_version_and_date(shop: Shop) -> None:
    assert "Version 2026-11, of 23 November 2026" in shop.get("/terms").text


def test_an_address_of_several_lines_stays_one(shop: Shop) -> None:
    shop.rows("UPDATE sellers SET address = %s", "Rua *A*\r\n4000-000 <Porto>\n")

    assert "Rua *A*<br>4000-000 &lt;Porto&gt;<" in shop.get("/imprint").text


def test_links_in_a_text_stay_in_its_language(shop: Shop) -> None:
    assert 'href="/cancellation"' in shop.get("/terms").text
    assert 'href="/es/cancellation"' in shop.get("/es/terms").text


def test_before_a_catalog_was_loaded_there_are_texts_all_the_same(shop: Shop) -> None:
    shop.rows("DELETE FROM sellers")

    assert shop.get("/terms").status_code == 200
    assert shop.get("/faq").status_code == 200


# Questions


def test_the_first_page_answers_the_first_questions_and_leads_to_all(
    shop: Shop,
) -> None:
    first, every = shop.get("/").text, shop.get("/faq").text

    assert first.count("<summary>") == 4
    assert every.count("<summary>") >= 8
    assert set(re.findall("<summary>.*", first)) < set(re.findall("<summary>.*", every))
    assert 'href="/faq"' in first


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_questions_have_answers(shop: Shop, prefix: str) -> None:
    page = shop.get(f"{prefix}/faq").text

    assert all(
        "<p>" in part.partition("</details>")[0]
        for part in page.split("</summary>")[1:]
    )
    assert f'href="{prefix}/find-my-order"' in page


# A studio's own


def test_a_studio_writes_its_own_texts(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "## Ours\n\nSold by {legal_name}.\n\n- one\n- **two**")

    load(shop, tmp_path)

    page = shop.get("/es/terms").text
    assert "<h1>Our terms</h1>" in page
    assert "Sold by Lunaria, Mara Quintela." in page
    assert "<li>" in page
    assert "<strong>two</strong>" in page
    assert "2 de enero de 2027" in page
    assert "Aviso legal" in shop.get("/es/imprint").text


def test_own_texts_go_with_the_folder(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "Ours.")
    load(shop, tmp_path)
    with shop.app.app_context(), transaction():
        load_catalog(CATALOG, "EUR")

    assert "Our terms" not in shop.get("/terms").text
    assert shop.rows("SELECT * FROM texts") == []


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](https://evil.example/x.png)",
        "[x](//evil.example/)",
        '<https://evil.example/"onmouseover=alert(1)>',
    ],
)
def test_nothing_in_a_text_becomes_a_script_or_brings_in_a_foreign_file(
    shop: Shop, tmp_path: Path, words: str
) -> None:
    write(tmp_path, words)
    load(shop, tmp_path)

    page = shop.get("/terms").text
    main = page.partition("<main")[2].partition("</main>")[0]
    assert not re.search(r"<(script|img|iframe)", main)
    assert not re.search(r"href=\"(javascript|data|//)", main)
    assert not re.search(r"<[^>]*\son\w+=", main)


def test_a_new_consent_is_asked_for_in_its_new_version(
    shop: Shop, tmp_path: Path
) -> None:
    write(tmp_path, "I want it now.", "consent")
    load(shop, tmp_path)

    page = shop.get("/checkout?service_id=almanac-2027-digital").text
    assert 'value="7"' in page
    assert "I want it now." in page


def refused(shop: Shop, folder: Path) -> str:
    """Give the sentence that refuses a studio's texts; nothing has changed."""
    with pytest.raises(CatalogInvalid) as caught:
        load(shop, folder)
    assert shop.rows("SELECT * FROM texts") == []
    return str(caught.value)


def test_a_text_that_lacks_a_language_is_refused(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "Ours.", "terms", "en", "es")

    assert refused(shop, tmp_path).endswith("texts/pt/terms.md cannot be read.")


def test_a_text_of_an_unknown_name_is_refused(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "Ours.", "therms")

    assert "therms.md is none of the shop's texts; they are" in refused(shop, tmp_path)


def test_a_folder_without_texts_is_refused(shop: Shop, tmp_path: Path) -> None:
    assert "holds no texts, like en/terms.md." in refused(shop, tmp_path)


def test_a_fact_that_nothing_fills_is_refused(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "By {legal_nane}.")

    assert "nothing fills {legal_nane}; there are {address}" in refused(shop, tmp_path)


@pytest.mark.parametrize("words", ["One.\n\nTwo.", "By {legal_name}."])
def test_a_consent_is_one_plain_paragraph(
    shop: Shop, tmp_path: Path, words: str
) -> None:
    write(tmp_path, words, "consent")

    assert "is one paragraph of plain words" in refused(shop, tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Just words.", "it needs +++"),
        ("+++\ntitle = 1\n", "it needs +++"),
        (TEXT.replace("{words}", " "), "it needs +++"),
        ("+++\ntitle = \n+++\nWords.", "Invalid value"),
        ("+++\ntitle = 'x'\n+++\nWords.", "wrong in: summary, version, date"),
        (TEXT.replace("2027-01-02", '"soon"'), "wrong in: date"),
        (TEXT.replace('"7"', '"7"\nfont = "x"'), "wrong in: font"),
    ],
)
def test_odd_front_lines_are_refused(
    shop: Shop, tmp_path: Path, content: str, reason: str
) -> None:
    write(tmp_path, "Ours.")
    (tmp_path / "texts" / "es" / "terms.md").write_text(content, "utf-8")

    sentence = refused(shop, tmp_path)
    assert "es/terms.md" in sentence
    assert reason in sentence


def test_the_texts_that_come_with_the_shop_are_whole() -> None:
    folder = Path(__file__).parents[2] / "storefront" / "texts"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}

    assert written == {
        f"{language}/{name}.md" for language in LANGUAGES.values() for name in NAMES
    }


def test_in_the_shops_own_language_only_that_one_is_needed(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop(SHOP_LOCALE="pt-BR")

    assert "Condições" in shop.get("/terms").text
    assert shop.get("/en/terms").status_code == 200
