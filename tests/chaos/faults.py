"""The catalogue of faults, each with the way it begins and the way it ends."""

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import psutil

from storefront.demo.mailbox.smtp import Command
from tests.chaos.lines import Line
from tests.chaos.stage import Stage

Deed = Callable[[Stage, Random], None]
LASTING = 2.5
# Letters are sent every three seconds.
LASTING_FOR_MAIL = 4.5
# All that the shop asks Stripe for; the owner's dashboard works on in any case.
CALLS: tuple[dict[str, str], ...] = (
    {"path": "/v1/checkout/*"},
    {"path": "/v1/refunds", "method": "GET"},
    {"path": "/v1/charges", "method": "GET"},
    {"path": "/v1/disputes", "method": "GET"},
)
# Often passed under load, so that something dies within seconds.
PLACES = (
    "key taken up",
    "checkout counted",
    "order written, not committed",
    "order committed",
    "before the session is made",
    "session made, not kept",
    "session kept, not committed",
    "session kept",
    "before the answer is kept",
    "answer kept, not given",
    "event written down",
    "order locked",
    "fact added, nothing derived",
    "status derived, no letter written",
    "order settled, not committed",
    "event applied, not committed",
    "event applied, not answered",
    "refund reading claimed",
    "refunds read, not settled",
    "letters claimed",
    "letter composed, not sent",
    "letter sent, not marked",
    "letter marked",
    "job claimed",
    "job done, not reported",
)


KINDS = {
    "the line": "lines",
    "mail server": "mail",
    "webhooks": "webhooks",
    "event": "webhooks",
    "Stripe": "Stripe",
    "sessions": "Stripe",
    "worker": "server",
    "server": "server",
    "place": "server",
    "": "database",
}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. `rows`: its rows in the table of promises.

    A fault without an end is over at once. `proof`: what shows that the shop has
    recovered, a sale from checkout to paid, or a letter that arrives.
    """

    name: str
    rows: tuple[int, ...]
    begin: Deed
    end: Deed | None = None
    seconds: float = LASTING
    proof: str = "sale"

    @property
    def kind(self) -> str:
        """Give where it strikes, by the words of its name."""
        return next(kind for word, kind in KINDS.items() if word in self.name)


def _webhooks(do: str, **given: Any) -> Deed:
    def begin(stage: Stage, luck: Random) -> None:
        fault = {"where": "webhooks", "do": do, **given}
        if do in ("reorder", "chaos"):
            fault["seed"] = luck.getrandbits(30)
        stage.emulator.set_faults(fault)

    return begin


def _no_event(stage: Stage, _luck: Random) -> None:
    stage.emulator.omit_events()


def _paid_at_once(stage: Stage, _luck: Random) -> None:
    stage.emulator.pay_before_answer(times=20)


def _call(do: str, **given: Any) -> Deed:
    def begin(stage: Stage, _luck: Random) -> None:
        fault = {"where": "api", "do": do, **given}
        stage.emulator.set_faults(*({**fault, **call} for call in CALLS))

    return begin


def _stripe_is_well(stage: Stage, _luck: Random) -> None:
    stage.emulator.set_faults()


def _release(stage: Stage, luck: Random) -> None:
    stage.emulator.release_webhooks(seed=luck.getrandbits(30))


def _release_together(stage: Stage, _luck: Random) -> None:
    stage.emulator.release_webhooks(together=True)


def _old_news(stage: Stage, luck: Random) -> None:
    rows = stage.rows("SELECT id FROM stripe_events ORDER BY received_at LIMIT 2000")
    for row in luck.sample(rows, min(20, len(rows))):
        # What only imitated an event of the account cannot be sent again.
        with suppress(AssertionError):
            stage.emulator.resend(row["id"], copies=3, together=luck.random() < 0.5)


def _line(which: str, spoil: Callable[[Line], None]) -> Deed:
    return lambda stage, _luck: spoil(getattr(stage, which))


def _smtp(reply: str, to: Command) -> Deed:
    return lambda stage, _luck: stage.mailbox.answer(reply, to, times=10)


def _kill_a_worker(stage: Stage, luck: Random) -> None:
    luck.choice(stage.server.workers()).kill()


def _kill_all_workers(stage: Stage, _luck: Random) -> None:
    for worker in stage.server.workers():
        worker.kill()


def _freeze_a_worker(stage: Stage, luck: Random) -> None:
    luck.choice(stage.server.workers()).suspend()


def _thaw_workers(stage: Stage, _luck: Random) -> None:
    for worker in stage.server.workers():
        worker.resume()


def _reload(stage: Stage, _luck: Random) -> None:
    stage.server.reload()


def _kill_server(stage: Stage, _luck: Random) -> None:
    stage.server.kill()


def _deploy(stage: Stage, _luck: Random) -> None:
    stage.server.stop()


def _start_server(stage: Stage, _luck: Random) -> None:
    stage.server.start()


def _arm(stage: Stage, luck: Random) -> None:
    """Start the server anew; whoever passes the place dies there, again and again."""
    stage.server.stop()
    stage.server.start(FAILPOINT=luck.choice(PLACES))


def _disarm(stage: Stage, _luck: Random) -> None:
    stage.server.kill()
    stage.server.start()


def _restart_postgres(mode: Any) -> Deed:
    return lambda stage, _luck: stage.postgres.restart(mode)


def _end_backends(stage: Stage, _luck: Random) -> None:
    stage.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'storefront'"
    )


def _signal_postgres(number: signal.Signals) -> Deed:
    def send(stage: Stage, _luck: Random) -> None:
        main = psutil.Process(stage.postgres.pid)
        for process in [main, *main.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    return send


def _hold_rows(stage: Stage, _luck: Random) -> None:
    """Hold the rows of the newest orders, as somebody at a console may."""
    stage.hold("SELECT 1 FROM orders ORDER BY created_at DESC LIMIT 50 FOR UPDATE")


def _let_rows_go(stage: Stage, _luck: Random) -> None:
    stage.let_go()


def _mail_server(do: str) -> Deed:
    return lambda stage, _luck: getattr(stage.mailbox, do)()


def _mail_is_well(stage: Stage, _luck: Random) -> None:
    stage.mailbox.mend()


def _mend_line(which: str) -> Deed:
    return lambda stage, _luck: getattr(stage, which).heal()


BAD_LINES: dict[str, Callable[[Line], None]] = {
    "cuts answers": lambda line: line.cut_answers(after=20),
    "is reset": lambda line: line.reset_all(),
    "breaks once": lambda line: line.break_once(),
    "refuses": lambda line: line.refuse(),
    "is silent": lambda line: line.swallow(),
    "is slow": lambda line: line.be_slow(0.05),
}
LINES = {
    "to Stripe": ("stripe_line", (25, 26), "sale"),
    "to the mail server": ("mail_line", (39, 40), "letter"),
    "to the database": ("database_line", (16, 45, 47), "sale"),
}


def _bad_lines() -> list[Fault]:
    return [
        Fault(
            f"the line {where} {mood}",
            rows,
            _line(which, spoil),
            _mend_line(which),
            LASTING_FOR_MAIL if proof == "letter" else LASTING,
            proof,
        )
        for where, (which, rows, proof) in LINES.items()
        for mood, spoil in BAD_LINES.items()
    ]


def _webhook(mood: str, rows: Sequence[int], do: str, **given: Any) -> Fault:
    name = f"webhooks {mood}"
    return Fault(name, tuple(rows), _webhooks(do, **given), _stripe_is_well)


def _api(mood: str, rows: Sequence[int], do: str, **given: Any) -> Fault:
    return Fault(f"Stripe {mood}", tuple(rows), _call(do, **given), _stripe_is_well)


def _mail(mood: str, rows: Sequence[int], begin: Deed) -> Fault:
    name = f"the mail server {mood}"
    return Fault(
        name, tuple(rows), begin, _mail_is_well, LASTING_FOR_MAIL, proof="letter"
    )


FROZEN, THAWED = signal.SIGSTOP, signal.SIGCONT
CATALOGUE: tuple[Fault, ...] = (
    _webhook("come twice", [1], "duplicate"),
    _webhook("come many times at once", [1], "concurrent", copies=10),
    _webhook("have twins", [1], "twin"),
    _webhook("come in another order", [3, 6], "reorder"),
    _webhook("come before the answer", [4], "before_answer"),
    _webhook("come late", [5], "delay", ms=2000),
    _webhook("are lost", [11], "drop"),
    _webhook("look too old", [36], "old"),
    _webhook("look too new", [36], "future"),
    _webhook("are signed by somebody else", [14], "wrong_secret"),
    _webhook("are cut in half", [8], "truncated"),
    _webhook("have the shape of an old API", [8], "old_shape"),
    _webhook("are thin", [8], "thin"),
    _webhook("come among others'", [10], "foreign"),
    _webhook("come with live ones", [10], "livemode"),
    _webhook(
        "of all these sorts",
        [1, 3, 11],
        "chaos",
        rates=dict.fromkeys(
            (
                "duplicate",
                "concurrent",
                "twin",
                "reorder",
                "delay",
                "drop",
                "old",
                "wrong_secret",
                "truncated",
                "old_shape",
                "foreign",
                "thin",
            ),
            0.15,
        ),
    ),
    Fault(
        "webhooks are held, then come by and by", (5, 6), _webhooks("hold"), _release
    ),
    Fault(
        "webhooks are held, then come at once",
        (13,),
        _webhooks("hold"),
        _release_together,
    ),
    Fault("events are never made", (12,), _no_event, _stripe_is_well),
    Fault("old events come again", (2,), _old_news),
    Fault(
        "sessions are paid before their answer", (4, 18), _paid_at_once, _stripe_is_well
    ),
    _api("never answers", [23], "timeout"),
    _api("does it and never answers", [22, 23], "timeout", when="after"),
    _api("hangs up", [25], "reset"),
    _api("does it and hangs up", [23], "reset", when="after"),
    _api("fails", [25], "answer", status=503),
    _api("does it and fails", [24], "answer", status=500, when="after"),
    _api("fails and keeps that", [24], "answer", status=500, when="after", kept=True),
    _api("is overloaded", [25], "answer", status=429),
    _api("works on the key already", [23], "answer", status=409),
    _api("shows a gateway's page", [25], "answer", status=502, html=True),
    _api("is slow", [26], "delay", ms=1500),
    _api("drips", [26], "drip", ms=5),
    _api("talks nonsense", [25], "rewrite", members={"status": "odd", "url": None}),
    *_bad_lines(),
    _mail("is away", [39], _mail_server("refuse")),
    _mail("is silent", [40], _mail_server("be_silent")),
    _mail("loses its reply", [38], lambda stage, _: stage.mailbox.lose_reply(5)),
    _mail("asks for patience", [41], _smtp("451 Try again later", "RCPT")),
    _mail("closes", [41], _smtp("421 Closing", "RCPT")),
    _mail("refuses letters for good", [41], _smtp("550 No such user", "RCPT")),
    Fault("a worker is killed", (33, 51), _kill_a_worker),
    Fault("all workers are killed", (33, 51), _kill_all_workers),
    Fault("a worker is frozen", (33,), _freeze_a_worker, _thaw_workers),
    Fault("the workers are replaced", (50,), _reload),
    Fault("the server is killed and started", (17, 21), _kill_server, _start_server, 0),
    Fault("the server is ended and started", (50,), _deploy, _start_server, 0),
    Fault("whoever passes a place is killed", (17, 21, 22, 37, 38), _arm, _disarm, 6),
    Fault("Postgres crashes and restarts", (44,), _restart_postgres("immediate")),
    Fault("Postgres is restarted", (16,), _restart_postgres("fast")),
    Fault(
        "Postgres is frozen",
        (47,),
        _signal_postgres(FROZEN),
        _signal_postgres(THAWED),
        3.5,
    ),
    Fault("all connections are ended", (45,), _end_backends),
    Fault("somebody holds rows", (46,), _hold_rows, _let_rows_go, 4.5),
)
FAULTS = {fault.name: fault for fault in CATALOGUE}
