"""A storm of webhooks, repeated and shuffled, over two processes of the real server."""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import pytest
import requests

from tests.factories.events import WEBHOOKS, JsonObject, sign
from tests.fixtures.figures import Figure
from tests.fixtures.gunicorn import Serve, Served
from tests.fixtures.shop import CUSTOMER, READING, Shop

STORM = int(os.environ.get("STORM", "500"))
SEED = int(os.environ.get("STORM_SEED", "1"))
SENDERS = 8
# Of these five a sale, two are repeats, or twins: the same news under another id.
FOR_EACH_ORDER = 5
NEWS = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
ORDERS = STORM // FOR_EACH_ORDER
# Receipt and the owner's notice; the job sends some forty a second, and needs a start.
LETTERS = 2 * ORDERS
SECONDS_FOR_MAIL = 30 + LETTERS / 10


@dataclass(frozen=True)
class Crowd:
    """Many at the server's door at once, each on a line of its own."""

    url: str
    pool: ThreadPoolExecutor
    lines: local

    def order(self, number: int) -> str:
        """Check out; give the session."""
        body = {
            "items": [{"service_id": READING, "quantity": 1}],
            "customer": {**CUSTOMER, "email": f"customer{number}@example.com"},
        }
        answer = self._line().post(f"{self.url}/api/checkout", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["checkout_url"]).rpartition("/")[2]

    def tell(self, event: JsonObject) -> int:
        """Deliver an event; give what it is answered."""
        body = json.dumps(event).encode()
        headers = {"Stripe-Signature": sign(body)}
        line = self._line()
        return line.post(
            self.url + WEBHOOKS, data=body, headers=headers, timeout=30
        ).status_code

    def _line(self) -> requests.Session:
        if not hasattr(self.lines, "http"):
            self.lines.http = requests.Session()
            self.lines.http.trust_env = False
        return self.lines.http


@pytest.fixture
def served(serve: Serve) -> Served:
    """Serve by two workers, whose jobs send the letters meanwhile."""
    return serve("--workers=2", CHECKOUT_RATE="1000000 per minute")


@pytest.fixture
def crowd(served: Served) -> Iterator[Crowd]:
    """Give a crowd before that server."""
    with ThreadPoolExecutor(SENDERS) as pool:
        yield Crowd(served.url, pool, local())


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.timeout(120 + STORM // 10)
def test_a_storm_of_webhooks_makes_one_receipt_an_order(
    shop: Shop, crowd: Crowd, figure: Figure
) -> None:
    """Rows 1 and 2: every order is paid once, and each letter is sent once."""
    shop.emulator.drop_webhooks()
    sessions = list(crowd.pool.map(crowd.order, range(ORDERS)))
    for session in sessions:
        shop.emulator.pay(session)
    storm = shuffled(shop.emulator.events(), random.Random(SEED))

    answers = Counter(crowd.pool.map(crowd.tell, storm))

    assert answers == {200: STORM}, f"seed {SEED}"
    shop.mailbox.wait_for(LETTERS, timeout=SECONDS_FOR_MAIL)
    shop.run_job("send-mail")
    sent = Counter(letter.message["Message-ID"] for letter in shop.mailbox.letters)
    assert (len(sent), max(sent.values())) == (LETTERS, 1)
    assert counted(shop, "letters", "kind = 'receipt'") == ORDERS
    assert counted(shop, "order_events", "event_type = 'paid'") == ORDERS
    assert counted(shop, "orders", "status = 'paid'") == ORDERS
    assert shop.check() == []
    figure(f"storm of webhooks, seed {SEED}: deliveries", STORM)
    figure(f"storm of webhooks, seed {SEED}: orders", ORDERS)
    figure(f"storm of webhooks, seed {SEED}: receipts", ORDERS)


def shuffled(events: list[JsonObject], dice: random.Random) -> list[JsonObject]:
    """Give the news of all sales in no order, some repeated, some told by a twin."""
    news = [event for event in events if event["type"] in NEWS]
    repeats = dice.choices(news, k=STORM - len(news))
    for place in range(0, len(repeats), 2):
        twin = f"evt_{dice.getrandbits(128):032x}"
        repeats[place] = {**repeats[place], "id": twin}
    storm = news + repeats
    dice.shuffle(storm)
    return storm


def counted(shop: Shop, table: str, condition: str) -> int:
    """Count rows of a table."""
    statement = f"SELECT count(*) AS n FROM {table} WHERE {condition}"  # noqa: S608
    return int(shop.row(statement)["n"])
