"""Starting, stopping, and finding everything again after a restart."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator import (
    Emulator,
    EmulatorConfig,
    create_emulator,
    running_emulator,
)
from storefront.demo.stripe_emulator.ledger import read_ledger
from tests.contract.conftest import SECRET, Receiver, session_params
from tests.demo.processes import ALONE, ROOT
from tests.fixtures.emulator import EmulatorHand

FOREGROUND = (
    ALONE
    + """
from storefront.demo.stripe_emulator import serve
serve(ready=lambda url: print(url, flush=True))
print("ended cleanly", flush=True)
"""
)


def sdk(emulator: Emulator) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_1", base_addresses={"api": emulator.url})


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "enable_telemetry", False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_at_once_and_ends_cleanly(number: signal.Signals) -> None:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FOREGROUND],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    # Generous: it takes a fraction of this on an idle machine.
    assert time.monotonic() - began < 5
    assert requests.get(url, timeout=5).status_code == 200
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (out, err, process.returncode) == ("ended cleanly\n", "", 0)


def test_it_imports_nothing_of_the_shop_and_not_the_sdk() -> None:
    script = ALONE + "import storefront.demo.stripe_emulator; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = told.stdout.split()
    assert "stripe" not in modules
    ours = {name for name in modules if name.startswith("storefront.")}
    allowed = ("storefront.demo", "storefront.clock")
    assert {name for name in ours if not name.startswith(allowed)} == set()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "emulator.example"])  # noqa: S104
def test_it_serves_this_machine_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"), running_emulator(host):
        pass


def test_everything_is_found_again_after_a_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    ledger = tmp_path / "state" / "ledger.jsonl"
    with running_emulator(ledger=ledger) as first:
        create = sdk(first).v1.checkout.sessions.create
        paid, waiting = create(session_params()), create(session_params())
        hand = EmulatorHand(first.url)
        hand.pay(paid.id)
        hand.advance(600)
        before = hand.ledger()
        hand.close()
    with running_emulator(ledger=ledger, endpoints=[(receiver.url, SECRET)]) as second:
        hand = EmulatorHand(second.url)
        after = hand.ledger()
        assert after["events"] == before["events"]
        assert after["charges"] == before["charges"]
        assert after["clock"]["ahead"] == pytest.approx(600, abs=5)
        found = sdk(second).v1.checkout.sessions.retrieve(waiting.id)
        assert found.url == f"{second.url}/c/pay/{waiting.id}"
        hand.pay(waiting.id)
        hand.wait()
        assert len(receiver.got) == 5
        hand.close()


def test_what_was_undelivered_is_delivered_after_a_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    deaf = [("http://127.0.0.1:9/", SECRET)]
    with running_emulator(ledger=ledger, endpoints=deaf, first_pause=60) as first:
        hand = EmulatorHand(first.url)
        hand.expire(sdk(first).v1.checkout.sessions.create(session_params()).id)
        hand.wait(retries=False)
        hand.close()
    with running_emulator(ledger=ledger, endpoints=[(receiver.url, SECRET)]) as second:
        hand = EmulatorHand(second.url)
        hand.wait()
        assert receiver.types() == ["checkout.session.expired"]
        hand.reset()
        hand.close()
    with running_emulator(ledger=ledger) as third:
        assert third.state.rows("sessions") == []


def test_a_line_cut_off_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with running_emulator(ledger=ledger) as first:
        key = sdk(first).v1.checkout.sessions.create(session_params()).id
    with ledger.open("a") as file:
        file.write('{"table": "sess')
    with running_emulator(ledger=ledger) as second:
        assert second.state.find("sessions", key)
        sdk(second).v1.checkout.sessions.expire(key)
    with running_emulator(ledger=ledger) as third:
        session = third.state.find("sessions", key)
        assert session
        assert session["status"] == "expired"
    assert list(read_ledger(tmp_path / "none")) == []


def test_the_same_seed_gives_the_same_ids() -> None:
    made = []
    for _ in range(2):
        with running_emulator(config=EmulatorConfig(seed=7)) as emulator:
            made.append(sdk(emulator).v1.checkout.sessions.create(session_params()).id)
    assert made[0] == made[1]


def test_the_bare_app_answers() -> None:
    app = create_emulator()
    answer = app.test_client().get("/v1/balance", auth=("sk_test_1", ""))
    assert answer.get_json()["object"] == "balance"
