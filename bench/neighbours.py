"""The shop beside programs that are made for speed: nginx for a page, pgbench for SQL.

Neither is asked for by the shop. Where one is missing, its case says so.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from uuid import uuid4

import requests

from bench import cases as paths
from bench.load import deliver, get, under_load
from bench.measure import Case, Measure, Round, cpu_seconds
from bench.orders import PAYLOADS, add_payable
from bench.stage import WORKERS, Server, Stage, started
from storefront.demo.errors import DemoError
from storefront.demo.ports import free_port
from storefront.demo.postgres_home import find_programs
from tests.factories.events import WEBHOOKS

PAYMENT = Path(__file__).with_name("bare") / "payment.sql"
# As many as pgbench takes in a round, and more: all are written before it begins.
PAYMENTS = 60_000
CLIENTS = paths.WEBHOOK_CONNECTIONS
# A kept page as a shared cache may have it: for as long as the page itself says.
NGINX = """
daemon off;
worker_processes {workers};
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_cache_path kept keys_zone=kept:1m;
    upstream shop {{ server {shop}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location = /bytes {{ root files; }}
        location / {{
            proxy_pass http://shop;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host {shop};
            proxy_cache kept;
            proxy_cache_lock on;
            proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            add_header X-Kept $upstream_cache_status;
        }}
    }}
}}
"""

Pair = tuple[Measure, Measure]


class ProgramMissing(Exception):
    """A program that a case needs is not on this machine."""


def neighbours(stage: Stage) -> list[Case]:
    """List the comparisons with nginx and pgbench."""
    return [
        Case(
            "catalog behind nginx",
            "nginx, a file of the same bytes",
            0.5,
            partial(_behind_nginx, stage),
        ),
        Case(
            "webhook, beside pgbench",
            "pgbench, the same SQL (rate only)",
            0.2,
            partial(_beside_pgbench, stage),
        ),
    ]


@contextmanager
def _behind_nginx(stage: Stage) -> Iterator[Pair]:
    with stage.shop() as shop, _nginx(stage, shop) as front:
        _check_that_it_keeps(front)

        def asking(path: str) -> Round:
            before = cpu_seconds(shop.pid)
            found = under_load(
                front,
                stage.database_pid,
                lambda: get(front, path, paths.PAGE_CONNECTIONS, paths.SECONDS),
            )
            # What the shop does for the cache counts as well.
            more = 1000 * (cpu_seconds(shop.pid) - before)
            each = more / (found.per_second * paths.SECONDS)
            return replace(found, web_ms=found.web_ms + each)

        yield partial(asking, "/"), partial(asking, "/bytes")


@contextmanager
def _nginx(stage: Stage, shop: Server) -> Iterator[Server]:
    """Run nginx in front of the shop, with a file of the catalog's bytes beside it.

    :raises ProgramMissing: there is no nginx.
    """
    program = _program("nginx", "/usr/sbin")
    home = stage.folder / "nginx"
    (home / "files").mkdir(parents=True)
    (home / "files" / "bytes").write_bytes(_bytes_of(shop, "/"))
    port = free_port()
    rules = NGINX.format(
        workers=WORKERS,
        shop=shop.url.removeprefix("http://"),
        port=port,
    )
    (home / "nginx.conf").write_text(rules.replace("root files", f"root {home}/files"))
    command = [program, "-p", str(home), "-c", "nginx.conf", "-e", "stderr"]
    url, log = f"http://127.0.0.1:{port}", stage.folder / "nginx.log"
    try:
        with started(command, url, "/bytes", env={}, cwd=home, log=log) as front:
            yield front
    finally:
        shutil.rmtree(home)


def _program(name: str, *folders: str) -> str:
    places = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=places)
    if found is None:
        raise ProgramMissing(f"{name} is not installed")
    return found


def _bytes_of(server: Server, path: str) -> bytes:
    headers = {"Accept-Encoding": "gzip"}
    with requests.get(
        server.url + path, headers=headers, stream=True, timeout=10
    ) as answer:
        return bytes(answer.raw.read(decode_content=False))


def _check_that_it_keeps(front: Server) -> None:
    """Make sure that it is the cache which is measured.

    :raises RuntimeError: the page was not kept.
    """
    kept = {requests.get(front.url, timeout=10).headers["X-Kept"] for _ in range(3)}
    if not kept & {"HIT", "STALE", "UPDATING"}:
        raise RuntimeError(f"nginx does not keep the catalog: {', '.join(kept)}")


@contextmanager
def _beside_pgbench(stage: Stage) -> Iterator[Pair]:
    pgbench = _find_pgbench()
    with stage.shop() as shop:

        def delivering() -> Round:
            events = paths.signed(paths.paid(stage, paths.DELIVERIES))
            return under_load(
                shop,
                stage.database_pid,
                lambda: deliver(shop, WEBHOOKS, events, CLIENTS, paths.SECONDS),
            )

        yield delivering, partial(_paying, stage, pgbench)


def _find_pgbench() -> str:
    """Find the one that comes with the shop's Postgres, else any.

    :raises ProgramMissing: there is none.
    """
    try:
        return _program("pgbench", str(find_programs(None)))
    except DemoError:
        return _program("pgbench")


def _paying(stage: Stage, pgbench: str) -> Round:
    """Let pgbench pay orders: a round without a web server, so of its rate alone."""
    tag = uuid4().hex[:12]
    add_payable(stage.database_url, PAYMENTS, tag)
    script = stage.folder / "payment.sql"
    script.write_text(payment_script(PAYMENT.read_text(), tag))
    database = cpu_seconds(stage.database_pid)
    said = subprocess.run(
        [
            *(pgbench, "--no-vacuum", f"--client={CLIENTS}", "--jobs=2"),
            *(f"--time={paths.SECONDS:.0f}", "--define=place=0"),
            *(f"--file={script}", stage.database_url),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return pgbench_round(said, cpu_seconds(stage.database_pid) - database)


def payment_script(statement: str, tag: str) -> str:
    """Write a payment's SQL so that each of pgbench's clients pays orders of its own.

    :param tag: what the orders' sessions were called by.
    """
    payload = json.dumps(json.loads(PAYLOADS.read_text("utf-8"))["session"])
    quoted = payload.replace("'", "''")
    values = {
        "event": f"('evt_{tag}_' || :n)",
        "type": "'checkout.session.completed'",
        "payload": f"'{quoted}'",
        "session": f"('cs_test_{tag}_' || :n)",
        "payment": f"('pi_{tag}_' || :n)",
    }
    sql = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], statement)
    counting = (
        f"\\set place :place + 1\n\\set n (:place - 1) * {CLIENTS} + :client_id + 1"
    )
    return f"{counting}\n{sql.strip()};\n"


def pgbench_round(said: str, database_seconds: float) -> Round:
    """Read what pgbench says at its end.

    :raises RuntimeError: it paid more orders than there were.
    """
    told = chain.from_iterable(
        re.findall(pattern, said, re.MULTILINE)
        for pattern in (r"actually processed: (\d+)", r"^tps = ([\d.]+)")
    )
    done, rate = map(float, told)
    if done > 0.98 * PAYMENTS:
        raise RuntimeError(f"{PAYMENTS} orders are too few for pgbench")
    return Round(rate, 0.0, 1000 * database_seconds / done)
