"""A page for each text, and one for the questions that people ask."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from storefront.catalog.seller import seller_facts
from storefront.languages import spoken_language
from storefront.texts.queries import find_text, list_questions
from storefront.texts.reading import PAGES, fill
from storefront.web.compression import shared

blueprint = Blueprint("texts", __name__)
blueprint.after_request(shared)


def page(name: str) -> ResponseReturnValue:
    """Show a text, with its version and date."""
    text = find_text(name, spoken_language())
    return render_template(
        "texts/page.html", text=text, nodes=fill(text, seller_facts())
    )


for name in PAGES:
    # An endpoint for each: texts.terms, texts.cancellation, …
    blueprint.add_url_rule(f"/{name}", name, page, defaults={"name": name})


@blueprint.get("/faq")
def faq() -> ResponseReturnValue:
    """Show all questions with their answers."""
    language = spoken_language()
    return render_template(
        "texts/faq.html",
        text=find_text("faq", language),
        questions=list_questions(language, seller_facts()),
    )
