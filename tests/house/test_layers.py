"""Who may import whom, and which deeds are done in which place only."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.house.tree import Module, modules, part_of

Rule = Callable[[Module], Iterator[str]]

WORDS = {"errors", "money", "clock", "settings", "failpoints", "languages", "themes"}
TOOLS = WORDS | {"extensions", "transaction", "glance", "web"}
SOLD = TOOLS | {"texts", "catalog", "orders"}
USE_CASES = SOLD | {"letters", "fulfilment", "gateway", "checkout"}
# Each part with the parts below it. What is not named here may import nothing of ours.
BELOW: dict[str, set[str]] = {
    "errors": set(),
    "failpoints": {"errors"},
    "money": set(),
    "clock": set(),
    "languages": set(),
    "themes": set(),
    "setting_values": {"themes"},
    "settings": {"errors", "money", "setting_values"},
    "extensions": WORDS,
    "database": {"errors", "settings"},
    "transaction": WORDS | {"extensions"},
    "glance": {"database", "extensions"},
    "web": TOOLS | {"setting_values"},
    "gateway": WORDS - {"clock"},
    "texts": TOOLS,
    # Its file names the studio's own texts.
    "catalog": TOOLS | {"texts"},
    "orders": TOOLS | {"texts", "catalog"},
    "fulfilment": SOLD,
    # A receipt lists the downloads, and names the seller.
    "letters": SOLD | {"fulfilment"},
    "styleguide": SOLD,
    "checkout": USE_CASES,
    "webhooks": USE_CASES,
    "scheduler": USE_CASES,
    "backoffice": USE_CASES,
}
# Where HTTP, or a person at a terminal, enters: these call use cases of any part.
ENTRIES = {"routes.py", "api.py"}
ENTRY_PATHS = {
    "wsgi.py",
    "storefront/__init__.py",
    "storefront/cli.py",
    "storefront/api_description.py",
}
# Arrows that no rule draws, each with its reason.
ALSO = {
    ("backoffice", "storefront.webhooks.inbox"),  # the owner looks, and has it retried
    ("scheduler", "storefront.webhooks.inbox"),
    ("scheduler", "storefront.webhooks.models"),  # old events are thrown away
}
# Imported when first needed, each with its reason.
LATE = {
    # Draws with a library that takes a fifth of the time in which the shop starts.
    ("storefront/letters/receipt.py", "storefront.letters.receipt_pdf.draw_receipt"),
    # Every web worker reads the commands, and none of them serves a demo.
    ("storefront/cli.py", "storefront.demo.run.run_demo"),
    ("storefront/cli.py", "storefront.demo.check.check_running"),
    ("storefront/cli.py", "storefront.demo.stripe_emulator.serve.serve"),
}
LIBRARIES_OF = {
    "clock": set(sys.stdlib_module_names),
    "money": set(sys.stdlib_module_names) | {"babel"},  # how people write amounts
    "languages": set(sys.stdlib_module_names) | {"babel"},
}
# Who sets an order's status, each with its reason.
HANDS = {
    "storefront/orders/service.py",  # derives it from the facts
    "storefront/checkout/cancel_unpaid.py",  # the plain case of that, many at a time
    "storefront/checkout/pay_at_once.py",  # the plain case of that, in one round trip
}
KEPT_OUT_OF_GATEWAY = {"flask", "sqlalchemy", "flask_sqlalchemy", "psycopg2"}


def is_entry(module: Module) -> bool:
    """Tell whether this is where a request or a command enters."""
    name = PurePosixPath(module.path).name
    return module.path in ENTRY_PATHS or name in ENTRIES


# The rules: each gives a sentence for every place that breaks it


def arrows_lead_down(module: Module) -> Iterator[str]:
    """A part imports only what stands below it."""
    if module.is_demo or is_entry(module):
        return
    allowed = BELOW.get(module.part, set()) | {module.part}
    for one in module.imports():
        if not one.target.startswith("storefront."):
            continue
        part = part_of(one.target)
        also = any(
            module.part == who and one.target.startswith(what) for who, what in ALSO
        )
        if part not in allowed and not also:
            yield (
                f"{module.part} -> {part}: {module.path}:{one.line} imports "
                f"{one.target}, which does not stand below it."
            )


def the_demo_is_a_guest(module: Module) -> Iterator[str]:
    """Nothing outside demo/ imports it but the commands."""
    if module.is_demo or module.path == "storefront/cli.py":
        return
    for one in module.imports():
        if one.target.startswith("storefront.demo"):
            yield (
                f"{module.part} -> demo: {module.path}:{one.line} imports the demo, "
                "which is a guest."
            )


def only_the_gateway_knows_stripe(module: Module) -> Iterator[str]:
    """The SDK is imported in gateway/ alone."""
    for one in module.imports():
        if one.target.split(".")[0] == "stripe" and module.part != "gateway":
            yield (
                f"{module.part} -> stripe: {module.path}:{one.line} imports the SDK, "
                "which only gateway/ may."
            )


def the_lowest_parts_stay_low(module: Module) -> Iterator[str]:
    """Money and clock need no libraries, the gateway no database and no Flask."""
    for one in module.imports():
        root = one.target.split(".")[0]
        known = LIBRARIES_OF.get(module.part)
        outside = known is not None and root not in known | {"storefront"}
        if outside or (module.part == "gateway" and root in KEPT_OUT_OF_GATEWAY):
            yield (
                f"{module.part} -> {root}: {module.path}:{one.line} imports "
                f"{one.target}, a library that it may not need."
            )


def requests_stay_at_the_entries(module: Module) -> Iterator[str]:
    """Flask's request and session appear where HTTP enters, and in web/."""
    name = PurePosixPath(module.path).name
    if module.is_demo or module.part in ("web", "backoffice") or name in ENTRIES:
        return
    for one in module.imports():
        if one.target in ("flask.request", "flask.session"):
            yield (
                f"{module.part} -> {one.target}: {module.path}:{one.line} knows of "
                "the request, which only routes, api and web/ may."
            )


def imports_stand_at_the_top(module: Module) -> Iterator[str]:
    """A late import is the sign of a wrong arrow."""
    for one in module.imports():
        if one.is_late and (module.path, one.target) not in LATE:
            yield (
                f"{module.part} -> {one.target}: {module.path}:{one.line} imports "
                "late, inside of something."
            )


def one_place_commits(module: Module) -> Iterator[str]:
    """Only transaction.py says commit."""
    if module.is_demo or module.path == "storefront/transaction.py":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr == "commit":
            yield (
                f"{module.part} -> commit: {module.path}:{node.lineno} commits, "
                "which only transaction.py may."
            )


def services_open_no_transaction(module: Module) -> Iterator[str]:
    """The order's rows leave it to the use case what is atomic."""
    if module.part != "orders":
        return
    for one in module.imports():
        if one.target.startswith("storefront.transaction"):
            yield (
                f"orders -> transaction: {module.path}:{one.line} opens transactions, "
                "which use cases and jobs do."
            )


def known_hands_write_the_status(module: Module) -> Iterator[str]:
    """Only orders/service.py sets an order's status, and its shortcut for many."""
    if module.is_demo or module.path in HANDS:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.expr) and _sets_status(node):
            yield (
                f"{module.part} -> order.status: {module.path}:{node.lineno} sets a "
                "status, which only orders/service.py may."
            )


def _sets_status(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr == "status"
    if not isinstance(node, ast.Call):
        return False
    by_values = isinstance(node.func, ast.Attribute) and node.func.attr == "values"
    by_name = isinstance(node.func, ast.Name) and node.func.id == "setattr"
    return (by_values and any(one.arg == "status" for one in node.keywords)) or (
        by_name
        and isinstance(node.args[1], ast.Constant)
        and node.args[1].value == "status"
    )


RULES: list[Rule] = [
    arrows_lead_down,
    the_demo_is_a_guest,
    only_the_gateway_knows_stripe,
    the_lowest_parts_stay_low,
    requests_stay_at_the_entries,
    imports_stand_at_the_top,
    one_place_commits,
    services_open_no_transaction,
    known_hands_write_the_status,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_shop_keeps_the_rule(rule: Rule) -> None:
    # gunicorn.conf.py may import late: its workers read it before they fork.
    found = [line for one in modules("storefront", "wsgi.py") for line in rule(one)]
    assert not found, "\n" + "\n".join(found)


def test_every_part_has_its_place() -> None:
    parts = {module.part for module in modules("storefront")}
    known = set(BELOW) | {"", "cli", "api_description", "demo"}
    assert parts - known == set(), "a part without a place in BELOW"


def test_the_arrows_make_no_circle() -> None:
    left = {part: set(below) - {part} for part, below in BELOW.items()}
    while free := {part for part, below in left.items() if not below & set(left)}:
        left = {part: below for part, below in left.items() if part not in free}
    assert not left


# Each rule notices what it is for, and says so in one sentence


@pytest.mark.parametrize(
    ("rule", "path", "source", "arrow"),
    [
        (
            arrows_lead_down,
            "storefront/orders/service.py",
            "from storefront.checkout.forms import read_form",
            "orders -> checkout",
        ),
        (
            arrows_lead_down,
            "storefront/scheduler/jobs.py",
            "from storefront.webhooks import handlers",
            "scheduler -> webhooks",
        ),
        (
            arrows_lead_down,
            "storefront/backoffice/orders.py",
            "from storefront.scheduler.jobs import run_now",
            "backoffice -> scheduler",
        ),
        (
            arrows_lead_down,
            "storefront/gateway/port.py",
            "import storefront.extensions",
            "gateway -> extensions",
        ),
        (
            arrows_lead_down,
            "storefront/moons/new.py",
            "from storefront.orders import queries",
            "moons -> orders",
        ),
        (
            the_demo_is_a_guest,
            "storefront/web/health.py",
            "from storefront.demo import ports",
            "web -> demo",
        ),
        (
            only_the_gateway_knows_stripe,
            "storefront/demo/stripe_emulator/api.py",
            "from stripe import Webhook",
            "demo -> stripe",
        ),
        (
            only_the_gateway_knows_stripe,
            "storefront/webhooks/routes.py",
            "import stripe",
            "webhooks -> stripe",
        ),
        (
            the_lowest_parts_stay_low,
            "storefront/gateway/port.py",
            "from flask import current_app",
            "gateway -> flask",
        ),
        (
            the_lowest_parts_stay_low,
            "storefront/clock.py",
            "import pendulum",
            "clock -> pendulum",
        ),
        (
            requests_stay_at_the_entries,
            "storefront/checkout/forms.py",
            "from flask import request",
            "checkout -> flask.request",
        ),
        (
            imports_stand_at_the_top,
            "storefront/letters/letters.py",
            "def late():\n    import json",
            "letters -> json",
        ),
        (
            one_place_commits,
            "storefront/orders/service.py",
            "db.session.commit()",
            "orders -> commit",
        ),
        (
            services_open_no_transaction,
            "storefront/orders/service.py",
            "from storefront.transaction import transaction",
            "orders -> transaction",
        ),
        (
            known_hands_write_the_status,
            "storefront/checkout/settle_order.py",
            "order.status = OrderStatus.PAID",
            "checkout -> order.status",
        ),
        (
            known_hands_write_the_status,
            "storefront/scheduler/jobs.py",
            "update(Order).values(status='paid')",
            "scheduler -> order.status",
        ),
        (
            known_hands_write_the_status,
            "storefront/webhooks/inbox.py",
            "setattr(order, 'status', status)",
            "webhooks -> order.status",
        ),
    ],
)
def test_a_broken_rule_is_named_with_arrow_and_file(
    rule: Rule, path: str, source: str, arrow: str
) -> None:
    (sentence,) = rule(Module(path, source))
    assert sentence.startswith(f"{arrow}: {path}:")
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (
            arrows_lead_down,
            "storefront/orders/routes.py",
            "from storefront.checkout.ask_stripe import look_again",
        ),
        (
            arrows_lead_down,
            "storefront/scheduler/jobs.py",
            "from storefront.webhooks.inbox import receive",
        ),
        (the_demo_is_a_guest, "storefront/cli.py", "import storefront.demo.run"),
        (only_the_gateway_knows_stripe, "storefront/gateway/port.py", "import stripe"),
        (
            requests_stay_at_the_entries,
            "storefront/webhooks/routes.py",
            "from flask import request",
        ),
        (known_hands_write_the_status, "storefront/orders/queries.py", "order.status"),
    ],
)
def test_what_a_rule_allows_it_leaves_alone(rule: Rule, path: str, source: str) -> None:
    assert list(rule(Module(path, source))) == []
