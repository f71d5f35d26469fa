"""The ledger file: deeds whole or not at all, whatever becomes of the process."""

import itertools
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator import Emulator, running_emulator
from storefront.demo.stripe_emulator.ledger import read_ledger
from storefront.demo.stripe_emulator.state import State
from tests.contract.conftest import SECRET, Receiver, session_params
from tests.demo.processes import ALONE, ROOT
from tests.fixtures.emulator import EmulatorHand

WITH_LEDGER = (
    ALONE
    + """
from pathlib import Path
from storefront.demo.stripe_emulator import serve
serve(ready=lambda url: print(url, flush=True), ledger=Path(sys.argv[1]))
"""
)


def sdk(emulator: Emulator) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_1", base_addresses={"api": emulator.url})


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "enable_telemetry", False)


def check_whole(state: State) -> None:
    """Find in the account no deed that was done by half."""
    paid = [row for row in state.rows("sessions") if row["status"] == "complete"]
    succeeded = [row for row in state.rows("charges") if row["paid"]]
    assert len(paid) == len(succeeded) == len(state.rows("payment_intents"))
    told = [row["data"]["object"]["id"] for row in state.rows("events")]
    for session in paid:
        assert told.count(session["id"]) == 1
        intent = state.tables["payment_intents"][session["payment_intent"]]
        charge = state.tables["charges"][intent["latest_charge"]]
        assert charge["balance_transaction"] in state.tables["balance_transactions"]
    kept = {row["body"]["id"] for row in state.rows("kept_answers")}
    assert kept == {row["id"] for row in state.rows("sessions")}


def use(url: str, worker: int, paid: list[str]) -> None:
    """Make sessions and pay them, until nobody answers."""
    form = {
        "mode": "payment",
        "success_url": "http://shop.example/",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "100",
        "line_items[0][price_data][product_data][name]": "Reading",
    }
    sessions = f"{url}/v1/checkout/sessions"
    with requests.Session() as http:
        http.trust_env = False
        for number in itertools.count():
            key = {"Idempotency-Key": f"{worker}:{number}"}
            try:
                made = http.post(
                    sessions, form, auth=("sk_test_1", ""), headers=key, timeout=5
                ).json()
                pay = f"{url}/_control/sessions/{made['id']}/pay"
                http.post(pay, json={"outcome": "paid"}, timeout=5).raise_for_status()
            except requests.RequestException:
                return
            paid.append(made["id"])


def test_killed_at_work_it_has_lost_nothing(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    for run in range(2):
        paid: list[str] = []
        process = subprocess.Popen(
            [sys.executable, "-c", WITH_LEDGER, str(ledger)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        url = process.stdout.readline().strip()
        workers = [
            threading.Thread(target=use, args=(url, 10 * run + at, paid))
            for at in range(3)
        ]
        for worker in workers:
            worker.start()
        while len(paid) < 12:
            workers[0].join(0.01)
        process.kill()
        process.communicate()
        for worker in workers:
            worker.join()
        with running_emulator(ledger=ledger) as after:
            for key in paid:
                session = after.state.find("sessions", key)
                assert session
                assert session["payment_status"] == "paid"
            check_whole(after.state)


def test_a_line_cut_off_is_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with running_emulator(ledger=ledger) as first:
        hand = EmulatorHand(first.url)
        kept, lost = (
            sdk(first).v1.checkout.sessions.create(session_params()).id for _ in "ab"
        )
        hand.pay(kept)
        hand.pay(lost)
        hand.close()
    *whole, last = ledger.read_bytes().splitlines(keepends=True)
    assert lost in last.decode()
    ledger.write_bytes(b"".join(whole) + last[: len(last) // 2])
    with caplog.at_level(logging.WARNING), running_emulator(ledger=ledger) as second:
        statuses = [row["status"] for row in second.state.rows("sessions")]
        assert statuses == ["complete", "open"]
        assert len(second.state.rows("charges")) == 1
        hand = EmulatorHand(second.url)
        assert hand.pay(lost)["payment_status"] == "paid"
        hand.close()
    assert f"line {len(whole) + 1} was cut off" in caplog.text
    with running_emulator(ledger=ledger) as third:
        assert len(third.state.rows("charges")) == 2


def test_nothing_written_gets_lost_behind_a_deed_by_half(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    rows = [{"table": "sessions", "row": {"id": key}} for key in "abc"]
    lines = [json.dumps([rows[0]]), '[{"table": "sess', json.dumps(rows[1:])]
    ledger.write_text("\n".join([*lines, json.dumps({"clock": 5, "at": 0})]))
    read = list(read_ledger(ledger))
    assert read == [*rows, {"clock": 5, "at": 0}]


def test_disputes_and_faulty_deliveries_are_found_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    endpoints = [(receiver.url, SECRET)]
    with running_emulator(ledger=ledger, endpoints=endpoints) as first:
        hand = EmulatorHand(first.url)
        hand.set_faults(
            *({"where": "webhooks", "do": do} for do in ("twin", "livemode", "hold"))
        )
        key = sdk(first).v1.checkout.sessions.create(session_params()).id
        hand.pay(key)
        hand.dispute(hand.charge_of(key)["id"], inquiry=True)
        hand.wait()
        before = hand.ledger()
        hand.close()
    with running_emulator(ledger=ledger, endpoints=endpoints) as second:
        hand = EmulatorHand(second.url)
        after = hand.ledger()
        assert after["deliveries"] == before["deliveries"]
        assert after["disputes"] == before["disputes"]
        got = len(receiver.got)
        assert hand.release_webhooks() == 6
        hand.close_dispute(after["disputes"][0]["id"], "warning_closed")
        hand.wait()
        assert len(receiver.got) == got + 7
        hand.close()


def test_two_payers_at_once_pay_once(tmp_path: Path) -> None:
    with running_emulator(ledger=tmp_path / "ledger.jsonl") as emulator:
        key = sdk(emulator).v1.checkout.sessions.create(session_params()).id
        start = threading.Barrier(6)
        statuses: list[int] = []

        def pay(outcome: str) -> None:
            start.wait()
            url = f"{emulator.url}/_control/sessions/{key}/pay"
            answer = requests.post(url, json={"outcome": outcome}, timeout=10)
            statuses.append(answer.status_code)

        threads = [
            threading.Thread(target=pay, args=(outcome,))
            for outcome in ("paid", "delayed", "paid", "declined", "paid", "delayed")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses.count(200) in (1, 2)  # one that completes it, maybe a decline
        states = [row["status"] for row in emulator.state.rows("charges")]
        assert sorted(states).count("failed") == len(states) - 1
