"""Letters by the dozen: one connection for many, and each marked by itself."""

from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from storefront.letters import delivery, line
from tests.fixtures.shop import Shop


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Give a list that grows with every connection to the mail server."""
    made: list[object] = []
    connect = line.VerifiedConnection.configure_host

    def noted(self: line.VerifiedConnection) -> Any:
        made.append(self)
        return connect(self)

    monkeypatch.setattr(line.VerifiedConnection, "configure_host", noted)
    return made


def sell(shop: Shop, orders: int) -> None:
    """Have so many orders paid: two letters each."""
    for _ in range(orders):
        shop.pay(shop.place())


def test_many_batches_go_over_one_connection(
    shop: Shop, connections: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    sell(shop, 2)

    assert shop.run_job("send-mail") == 4
    assert len(connections) == 1


def test_a_connection_is_not_used_for_ever(
    shop: Shop, connections: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 1)
    monkeypatch.setattr(line, "BATCHES_A_CONNECTION", 2)
    sell(shop, 2)

    assert shop.run_job("send-mail") == 4
    assert len(connections) == 2
    assert len(shop.mailbox.letters) == 4


def test_where_there_is_nothing_to_send_nobody_is_called(
    shop: Shop, connections: list[object]
) -> None:
    assert shop.run_job("send-mail") == 0
    assert connections == []


def test_a_letter_is_marked_though_the_connection_for_that_has_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 38: a database that was restarted while a letter went out repeats none."""
    sell(shop, 2)

    def gone(self: Connection, *_: object, **__: object) -> None:
        raise OperationalError("UPDATE letters", {}, Exception("gone"))

    def mark(letter_id: object, marking: Connection) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(marking, "execute", gone.__get__(marking))
            really(letter_id, marking)  # type: ignore[arg-type]

    really = delivery._mark_sent
    monkeypatch.setattr(delivery, "_mark_sent", mark)

    assert shop.run_job("send-mail") == 4
    assert shop.run_job("send-mail") == 0
    assert len(shop.mailbox.letters) == 4
