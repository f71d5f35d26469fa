"""The shop's processes: reloaded, killed, forked, two releases, wrong clocks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.factories.events import (
    WEBHOOKS,
    JsonObject,
    complete_session,
    event,
    sign,
)
from tests.faults.dying import environment_of
from tests.fixtures import gunicorn
from tests.fixtures.figures import Figure
from tests.fixtures.gunicorn import CUT_OFF, Serve, Served
from tests.fixtures.shards import RECOVERIES, WORST, shards
from tests.fixtures.shop import CUSTOMER, READING, Placed, Shop

ROOT = Path(__file__).parents[2]
# Takes no byte, as a disk that is full.
FULL = Path("/dev/full")
CUSTOMERS = 6
# Leader of jobs killed, another at work.
TAKEN_OVER = 30
JOBS = ("read-refunds", "expire-orders", "reconcile", "send-mail")


class Load:
    """Customers of a gunicorn, each with a connection of its own for each request.

    `answers` counts what they got; a connection that was cut counts as 0.
    """

    def __init__(self, url: str) -> None:
        self.answers: Counter[int] = Counter()
        self.orders: list[str] = []
        self._url = url
        self._over = Event()
        self._notes = Lock()

    def __call__(self) -> None:
        """Look around, and buy every tenth time."""
        turn = 0
        while not self._over.wait(0.01):
            turn += 1
            try:
                answer = self._buy() if turn % 10 == 0 else self._look()
            except CUT_OFF:
                self._note(0)
            else:
                self._note(answer.status_code)

    def end(self) -> None:
        """Send no more customers."""
        self._over.set()

    def _look(self) -> requests.Response:
        return requests.get(self._url, timeout=30)

    def _buy(self) -> requests.Response:
        answer = post_checkout(self._url)
        if answer.status_code == 201:
            self.orders.append(answer.json()["order_id"])
        return answer

    def _note(self, code: int) -> None:
        with self._notes:
            self.answers[code] += 1


@contextmanager
def loaded(url: str) -> Iterator[Load]:
    """Have customers at a server meanwhile, and some time before and after."""
    load = Load(url)
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        customers = [pool.submit(load) for _ in range(CUSTOMERS)]
        try:
            time.sleep(0.5)
            yield load
            time.sleep(0.5)
        finally:
            load.end()
        for customer in customers:
            customer.result()


def post_checkout(url: str) -> requests.Response:
    """Check out at a server."""
    items = [{"service_id": READING, "quantity": 1}]
    body = {"items": items, "customer": CUSTOMER}
    return requests.post(f"{url}/api/checkout", json=body, timeout=30)


def deliver_to(url: str, shop: Shop, placed: Placed) -> int:
    """Deliver an order's payment to a server."""
    return deliver_event(
        url, event("checkout.session.completed", complete_session(shop, placed))
    )


def deliver_event(url: str, told: JsonObject) -> int:
    """Deliver an event to a server."""
    body = json.dumps(told).encode()
    headers = {"Stripe-Signature": sign(body)}
    return requests.post(
        url + WEBHOOKS, data=body, headers=headers, timeout=30
    ).status_code


def all_is_well(shop: Shop) -> None:
    """Let the jobs run, then compare all books."""
    shop.emulator.wait()
    for job in JOBS:
        shop.run_job(job)
    assert shop.check() == []


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true."""
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_rolling_restart_under_load_fails_no_request(
    shop: Shop, serve: Serve
) -> None:
    """Row 50: HUP twice among some hundred requests."""
    served = serve(SCHEDULER="off")

    with loaded(served.url) as load:
        for _ in range(2):
            before = set(served.workers())
            served.process.send_signal(signal.SIGHUP)
            wait_until(lambda old=before: not old.intersection(served.workers()))
        wait_until(lambda: load.answers.total() > 200, 60)

    assert set(load.answers) == {200, 201}
    all_is_well(shop)


def test_a_server_told_to_end_finishes_what_it_has_in_hand(
    shop: Shop, serve: Serve
) -> None:
    """Row 50: SIGTERM while a checkout waits for Stripe."""
    served = serve(SCHEDULER="off")
    shop.emulator.be_slow(1500, path="/v1/checkout/sessions")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post_checkout, served.url)
        time.sleep(0.7)
        served.process.terminate()
        assert answer.result().status_code == 201

    assert served.process.wait(10) == 0
    shop.emulator.set_faults()
    all_is_well(shop)


def test_workers_killed_under_load_take_only_their_own_requests_along(
    shop: Shop, serve: Serve
) -> None:
    """Row 51: what was acknowledged is there, and the books agree."""
    served, kills = serve(SCHEDULER="off"), 3

    with loaded(served.url) as load:
        for _ in range(kills):
            served.kill_a_worker()
            time.sleep(1)
        wait_until(lambda: load.answers[200] > 100, 60)

    assert set(load.answers) <= {200, 201, 0}
    assert load.answers[0] <= kills * CUSTOMERS
    kept = {row["id"] for row in shop.rows("SELECT id::text FROM orders")}
    assert set(load.orders) <= kept
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
    all_is_well(shop)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_logs_stops_no_sale(shop: Shop, serve: Serve) -> None:
    """Row 48: the shop writes no files but its log, and that one may be lost."""
    served = serve(log=FULL, SCHEDULER="off")
    placed = shop.place()
    # Trouble is logged too, at length.
    shop.emulator.fail(500, path="/v1/checkout/sessions")
    assert post_checkout(served.url).status_code == 503
    shop.emulator.set_faults()

    assert post_checkout(served.url).status_code == 201
    shop.emulator.hold_webhooks()
    shop.emulator.pay(placed.session_id)
    told = shop.emulator.events("checkout.session.completed")[-1]
    assert deliver_event(served.url, told) == 200
    page = requests.get(f"{served.url}/orders/{placed.token}", timeout=30)
    assert "Payment received" in page.text
    all_is_well(shop)


@pytest.mark.parametrize("arguments", [(), ("--preload",)])
def test_no_two_processes_share_a_connection_to_the_database(
    shop: Shop, serve: Serve, arguments: tuple[str, ...]
) -> None:
    """Row 32: also where the app was made before the fork."""
    served = serve(*arguments)
    port = urlsplit(shop.database_url).port
    for _ in range(30):
        assert requests.get(f"{served.url}/readyz", timeout=5).ok

    ours = [
        end.laddr.port
        for pid in (served.process.pid, *served.workers())
        for end in psutil.Process(pid).net_connections("tcp")
        if end.raddr and end.raddr.port == port
    ]

    assert ours
    assert len(ours) == len(set(ours))


@pytest.mark.long
@pytest.mark.parametrize("shard", shards(RECOVERIES, most=1))
def test_a_job_whose_worker_was_killed_is_taken_over(
    shop: Shop, serve: Serve, figure: Figure, shard: int
) -> None:
    """Row 33: once its lease has ended, another does the work, and once."""
    shop.pay(shop.place())
    shop.mailbox.be_silent()
    served = serve()
    wait_until(lambda: sender(served, shop) is not None)
    run = runs_of_mail(shop)

    os.kill(sender(served, shop) or 0, signal.SIGKILL)
    killed_at = time.monotonic()
    shop.mailbox.clear()
    wait_until(lambda: runs_of_mail(shop) > run, seconds=TAKEN_OVER)

    seconds = time.monotonic() - killed_at
    figure(f"{WORST} from a killed leader of jobs to the next", seconds)
    # The claim of its letters would end by itself, but much later.
    shop.rows("UPDATE letters SET due_at = now()")
    shop.mailbox.wait_for(2, timeout=20)
    time.sleep(3.5)  # another round of both workers' clocks

    assert len(shop.mailbox.letters) == 2
    assert shop.check() == []


def runs_of_mail(shop: Shop) -> int:
    """Give how often the job that sends letters was begun."""
    statement = "SELECT generation FROM scheduled_jobs WHERE name = 'send-mail'"
    return int(shop.row(statement)["generation"])


def sender(served: Served, shop: Shop) -> int | None:
    """Give which worker speaks to the mail server at this moment."""
    for pid in served.workers():
        with suppress(psutil.NoSuchProcess):
            for end in psutil.Process(pid).net_connections("tcp"):
                if end.raddr and end.raddr.port == shop.mailbox.smtp_port:
                    return pid
    return None


# Python runs a module of this name before any other. Sleeping is not touched.
CLOCK = """
import datetime, time

ahead, real_time, Real = {seconds}, time.time, datetime.datetime

class Kind(type):
    def __instancecheck__(cls, one):
        return isinstance(one, Real)

class Shifted(Real, metaclass=Kind):
    def __new__(cls, *given, **more):
        return Real(*given, **more)

    @classmethod
    def now(cls, tz=None):
        return Real.now(tz) + datetime.timedelta(seconds=ahead)

time.time = lambda: real_time() + ahead
datetime.datetime = Shifted
"""


@pytest.fixture(params=[10, -10])
def wrong_clock(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Give the environment of a program that is so many minutes ahead or behind."""
    code = CLOCK.format(seconds=request.param * 60)
    (tmp_path / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(tmp_path)}


def run_jobs(shop: Shop, names: tuple[str, ...], **more: str) -> None:
    """Run jobs in another process, by their command."""
    given = {**os.environ, **environment_of(shop), **more}
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "job", "run", *names],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_a_wrong_clock_gives_no_order_up_too_early_or_late(
    shop: Shop, wrong_clock: dict[str, str]
) -> None:
    """Row 36: the expiry goes by the database's clock; a payment nobody could tell of,
    because every signature looked too old or too new, is found by asking.
    """
    shop.emulator.drop_webhooks()
    waiting, overdue, paid = (shop.place() for _ in range(3))
    moved = "UPDATE orders SET expires_at = now() + %s::interval WHERE id = %s"
    shop.rows(moved, "5 minutes", waiting.id)
    shop.rows(moved, "-1 minute", overdue.id)
    shop.emulator.pay(paid.session_id)

    run_jobs(shop, ("expire-orders", "reconcile", "send-mail"), **wrong_clock)

    states = [shop.order(one.id)["status"] for one in (waiting, overdue, paid)]
    assert states == ["pending", "canceled", "paid"]
    assert shop.check() == []


def test_a_server_with_a_wrong_clock_still_sells(
    shop: Shop, serve: Serve, wrong_clock: dict[str, str]
) -> None:
    """Row 36: deadlines are the database's; deliveries are refused past tolerance."""
    served = serve(SCHEDULER="off", **wrong_clock)

    answer = post_checkout(served.url)

    assert answer.status_code == 201, answer.text
    order = shop.row("SELECT *, expires_at - now() AS ahead FROM orders")
    assert 59 * 60 < order["ahead"].total_seconds() <= 3600
    placed = Placed(
        answer.json()["order_id"],
        order["provider_session_id"],
        order["page_token"],
        answer.json(),
    )
    assert deliver_to(served.url, shop, placed) == 400
    assert deliver_to(shop.url, shop, placed) == 200
    assert requests.get(f"{served.url}/orders/{placed.token}", timeout=5).ok


@pytest.fixture
def old_release(tmp_path: Path) -> Path:
    """Give a checkout whose newest migration is unknown to it.

    `OLD_RELEASE` names the folder of a real one instead.
    """
    if given := os.environ.get("OLD_RELEASE"):
        return Path(given)
    copy = tmp_path / "old"
    for name in ("storefront", "migrations"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, copy / name)
    *_, newest = sorted((copy / "migrations" / "versions").glob("*.py"))
    newest.unlink()
    return copy


def test_the_release_before_goes_on_selling_after_the_migration(
    shop: Shop, serve: Serve, old_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 49: both are ready, and each goes on with what the other has begun."""
    new = serve()
    with monkeypatch.context() as patched:
        patched.setattr(gunicorn, "ROOT", old_release)
        old = serve()

    for here, there in ((old, new), (new, old)):
        assert requests.get(f"{here.url}/readyz", timeout=5).status_code == 200
        answer = post_checkout(here.url)
        assert answer.status_code == 201, answer.text
        row = shop.row("SELECT * FROM orders WHERE id = %s", answer.json()["order_id"])
        placed = Placed(
            str(row["id"]), row["provider_session_id"], row["page_token"], {}
        )
        shop.emulator.pay(placed.session_id)
        assert requests.get(f"{there.url}/orders/{placed.token}", timeout=5).ok
    shop.emulator.wait()

    assert shop.row("SELECT count(*) AS n FROM orders WHERE status = 'paid'")["n"] == 2
    shop.mailbox.wait_for(4, timeout=20)
    time.sleep(3.5)  # another round of all clocks
    assert len(shop.mailbox.letters) == 4
    assert shop.check() == []
