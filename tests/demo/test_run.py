"""The runner, over a stub of a shop: what it starts, keeps, says and cleans up."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.demo.processes import ALONE, alive, script, wait_until
from tests.demo.runs import Run
from tests.demo.runs import running as running_any

STUB = Path(__file__).parent / "stub_shop"
RUN = (
    ALONE
    + """
import sys
from pathlib import Path
from storefront.demo.run import run_demo
run_demo(Path(sys.argv[1]))
"""
)


@pytest.fixture
def root() -> Iterator[Path]:
    """Give a checkout of the stub on a path with a space."""
    with tempfile.TemporaryDirectory(prefix="storefront tests ") as name:
        Path(name).chmod(0o711)
        shutil.copytree(STUB, name, dirs_exist_ok=True)
        yield Path(name)


def running(root: Path, **variables: str) -> AbstractContextManager[Run]:
    """Run the demo of the stub."""
    return running_any(RUN, root, root=root, **variables)


def test_starts_everything_and_stops_everything(root: Path) -> None:
    with running(root) as run:
        run.wait_until_ready()
        settings = run.settings
        told = requests.get(f"{settings['BASE_URL']}/settings", timeout=5).json()
        assert settings.items() <= told.items()
        assert settings["STOREFRONT_ENV"] == "demo"
        assert settings["STRIPE_SECRET_KEY"].startswith("sk_test_")
        assert run.emulator["url"] == f"{settings['BASE_URL']}/api/webhooks/stripe"
        assert run.emulator["secret"] == settings["STRIPE_WEBHOOK_SECRET"]
        assert requests.get(settings["MAILBOX_URL"], timeout=5).ok
        for name in ("BASE_URL", "STRIPE_API_BASE", "MAILBOX_URL"):
            assert f"{settings[name].rstrip('/')}/\n" in run.output
        assert "4242 4242 4242 4242" in run.output
        assert run.end(signal.SIGINT) == 0
        assert "Traceback" not in run.output
        assert run.leaves_nothing()


def test_keeps_its_secrets_to_itself(root: Path) -> None:
    with running(root) as run:
        run.wait_until_ready()
        assert (root / "instance" / "demo.env").stat().st_mode & 0o777 == 0o600
        assert run.settings["SECRET_KEY"] not in run.output


def test_second_start_keeps_addresses_and_secrets(root: Path) -> None:
    with running(root) as run:
        before = run.wait_until_ready().settings
    with running(root) as run:
        assert run.wait_until_ready().settings == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_in_order_too(root: Path, number: signal.Signals) -> None:
    with running(root) as run:
        run.wait_until_ready()
        assert run.end(number) == 0
        assert run.leaves_nothing()


def test_impatience_is_harmless(root: Path) -> None:
    with running(root) as run:
        run.wait_until_ready()
        assert run.end(signal.SIGINT, signal.SIGINT, signal.SIGTERM) == 0
        assert "Traceback" not in run.output
        assert run.leaves_nothing()


def test_a_killed_run_leaves_nothing_and_no_trouble(root: Path) -> None:
    with running(root) as run:
        before = run.wait_until_ready().settings
        run.process.kill()
        run.process.wait()
        # At once: the next start waits for what is still going down.
        with running(root) as second:
            assert second.wait_until_ready().settings == before
            second.end(signal.SIGINT)
        assert run.leaves_nothing()


def test_a_part_that_dies_is_named_and_ends_the_rest(root: Path) -> None:
    with running(root) as run:
        run.wait_until_ready()
        os.kill(int(run.emulator["pid"]), signal.SIGKILL)
        assert run.end() == 1
        assert "The emulator has ended" in run.output
        assert run.leaves_nothing()


@pytest.mark.parametrize("part", ["emulator", "db"])
def test_a_start_that_fails_says_why(root: Path, part: str) -> None:
    with running(root, FAIL=part) as run:
        assert run.end() == 1
        assert "is broken." in run.output
        assert "Traceback" not in run.output


def test_a_second_run_at_once_is_refused(root: Path) -> None:
    with running(root) as run:
        run.wait_until_ready()
        with running(root) as second:
            assert second.end() == 1
        assert "already running" in second.output
        assert requests.get(f"{run.settings['BASE_URL']}/readyz", timeout=5).ok


def test_taken_ports_are_told_and_replaced(root: Path) -> None:
    with running(root) as run:
        before = run.wait_until_ready().settings
    taken = ("127.0.0.1", urlsplit(before["BASE_URL"]).port or 0)
    with socket.create_server(taken), running(root) as run:
        after = run.wait_until_ready().settings
    assert after["BASE_URL"] != before["BASE_URL"]
    assert "is taken: the shop gets" in run.output


def test_what_is_set_wins_and_starts_no_stand_in(root: Path) -> None:
    (root / ".env").write_text("OWNER_EMAIL='Ana <ana@example.com>'\n")
    given = {
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": "10",
        "SHOP_CURRENCY": "JPY",
    }
    with running(root, **given) as run:
        settings = run.wait_until_ready().settings
        assert given.items() <= settings.items()
        assert settings["OWNER_EMAIL"] == "Ana <ana@example.com>"
        assert "MAILBOX_URL" not in settings
        assert not (root / "instance" / "stripe-ledger.jsonl").exists()


def test_a_login_for_no_server_is_not_used(root: Path) -> None:
    with running(root, MAIL_USERNAME="me", MAIL_USE_TLS="true") as run:
        settings = run.wait_until_ready().settings
        told = requests.get(f"{settings['BASE_URL']}/settings", timeout=5).json()
        assert (told["MAIL_USERNAME"], told["MAIL_USE_TLS"]) == ("", "false")


def test_other_modes_are_refused(root: Path) -> None:
    with running(root, STOREFRONT_ENV="production") as run:
        assert run.end() == 1
        assert "STOREFRONT_ENV" in run.output


def test_ends_with_the_make_that_started_it(root: Path) -> None:
    between = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    inner = [sys.executable, "-c", RUN, root]
    with script(between, *inner, MAKELEVEL="1") as process:
        run = Run(root, process).wait_until_ready()
        process.kill()
        assert run.leaves_nothing()
        assert wait_until(lambda: not alive(int(run.emulator["pid"])))
