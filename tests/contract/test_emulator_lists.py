"""Lists as a reconciliation reads them: exact in their spans and pages, and quick."""

import itertools
import time
from typing import Any

import pytest
import stripe

from storefront.demo.stripe_emulator import EmulatorConfig
from storefront.demo.stripe_emulator.operations import OPERATIONS
from storefront.demo.stripe_emulator.state import JsonObject, State
from storefront.demo.stripe_emulator.tables import Table
from tests.contract.conftest import NewSession
from tests.fixtures.emulator import EmulatorHand

MANY = 10_000
LISTED = ("checkout.sessions", "payment_intents", "charges", "refunds", "disputes")


def lister(client: stripe.StripeClient, name: str) -> Any:
    """Give the list method of a kind of object."""
    service: Any = client.v1
    for part in name.split("."):
        service = getattr(service, part)
    return service.list


@pytest.fixture
def spans(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> list[tuple[int, int]]:
    """Make three payments, refunded and disputed, an hour apart; give their times."""
    times = []
    for _ in range(3):
        began = emulator.advance(0)
        key = new_session().id
        emulator.pay(key)
        charge = emulator.charge_of(key)["id"]
        emulator.dispute(charge, inquiry=True)
        client.v1.refunds.create({"charge": charge})
        times.append((began, emulator.advance(0)))
        emulator.advance(3600)
    return times


@pytest.mark.parametrize("name", LISTED)
def test_spans_are_exact(
    client: stripe.StripeClient, spans: list[tuple[int, int]], name: str
) -> None:
    listed = lister(client, name)
    (first, _), (began, ended), (_, last) = spans
    everything = [row.id for row in listed().data]
    assert len(everything) == 3

    def within(**span: int) -> list[str]:
        return [row.id for row in listed({"created": span}).data]

    assert within(gte=began, lte=ended) == everything[1:2]
    assert within(gte=began) == everything[:2]
    assert within(gt=ended) == everything[:1]
    assert within(lt=began) == everything[2:]
    assert within(gte=first, lte=last) == everything
    created = listed().data[1].created
    assert within(gte=created, lte=created) == everything[1:2]
    assert within(gt=created) == everything[:1]
    assert within(lt=created) == everything[2:]


@pytest.mark.parametrize("name", LISTED)
def test_pages_follow_each_other(
    client: stripe.StripeClient, spans: list[tuple[int, int]], name: str
) -> None:
    listed = lister(client, name)
    params: Any = {"limit": 1, "created": {"gte": spans[1][0]}}
    first = listed(params)
    second = listed(params | {"starting_after": first.data[0].id})
    third = listed(params | {"starting_after": second.data[0].id})
    assert (first.has_more, second.has_more, third.has_more) == (True, False, False)
    assert third.data == []
    back = listed(params | {"ending_before": second.data[0].id})
    assert [row.id for row in back.data] == [first.data[0].id]
    assert len(list(listed({"limit": 1}).auto_paging_iter())) == 3


def test_a_cursor_may_be_of_another_payment(
    client: stripe.StripeClient, spans: list[tuple[int, int]]
) -> None:
    newest, middle, _oldest = client.v1.refunds.list().data
    of_middle: Any = {"charge": middle.charge}
    assert [row.id for row in client.v1.refunds.list(of_middle).data] == [middle.id]
    after = client.v1.refunds.list({**of_middle, "starting_after": newest.id})
    assert [row.id for row in after.data] == [middle.id]
    assert client.v1.refunds.list({**of_middle, "starting_after": middle.id}).data == []


def crowded() -> State:
    """Give an account with very many sessions and refunds, ten a second."""
    state = State(EmulatorConfig())
    status = itertools.cycle(("complete", "expired"))
    for at in range(MANY):
        row = {"created": at // 10, "payment_intent": f"pi_{at}", "metadata": {}}
        state.put("sessions", {"id": f"cs_{at}", "status": next(status), **row})
        state.put("refunds", {"id": f"re_{at}", "charge": f"ch_{at}", **row})
    return state


def read_all(state: State, path: str, params: JsonObject) -> list[str]:
    """Read a list page by page."""
    do = next(one.do for one in OPERATIONS if one.path == path and one.method == "GET")
    found: list[str] = []
    params = {"limit": 100, **params}
    while True:
        page = do(state, params, "")
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            return found
        params["starting_after"] = found[-1]


def test_very_many_are_read_quickly() -> None:
    state = crowded()
    began = time.monotonic()
    span = {"created": {"gte": 100, "lte": 899}}
    found = read_all(state, "/v1/checkout/sessions", span)
    assert found == [f"cs_{at}" for at in range(8999, 999, -1)]
    done = read_all(state, "/v1/checkout/sessions", {**span, "status": "complete"})
    assert done == found[1::2]
    for at in range(MANY):
        ((key),) = read_all(state, "/v1/refunds", {"charge": f"ch_{at}"})
        assert key == f"re_{at}"
    # One way through takes a twentieth of this on an idle machine; a way through the
    # whole table for each page or payment takes many times as long.
    assert time.monotonic() - began < 3


def test_a_table_keeps_the_places() -> None:
    table = Table({"id": key, "charge": "ch_1"} for key in "abc")
    table["b"] = {"id": "b", "charge": "ch_1", "changed": True}
    assert [row["id"] for row in table.older()] == ["c", "b", "a"]
    assert [row["id"] for row in table.older("b")] == ["a"]
    assert [row["id"] for row in table.newer("a")] == ["b", "c"]
    assert len(table.having("charge", "ch_1")) == 3
    table.clear()
    assert list(table.older()) == table.having("charge", "ch_1") == []
