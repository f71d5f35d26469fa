"""The smallest thing that `run_demo` takes for a shop: its commands, nothing else."""

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import click
import psycopg2
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)


@app.get("/readyz")
def readyz() -> str:
    """Be ready."""
    return "ready"


@app.get("/settings")
def settings() -> dict[str, str]:
    """Tell what the shop was told."""
    return dict(os.environ)


@app.cli.command("db")
@click.argument("command")
def db(command: str) -> None:
    """Fail without a database, as a migration would."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])):
        click.echo(command)
    if os.environ.get("FAIL") == "db":
        sys.exit("The migration is broken.")


@app.cli.command("catalog")
@click.argument("command")
@click.option("--demo", is_flag=True)
def catalog(command: str, *, demo: bool) -> None:
    """Load nothing."""
    click.echo(f"{command} {demo}")


@app.cli.command("emulator")
@click.option("--port", type=int)
@click.option("--webhook-url")
@click.option("--webhook-secret")
@click.option("--ledger", type=Path)
def emulator(port: int, webhook_url: str, webhook_secret: str, ledger: Path) -> None:
    """Answer like the emulator, and leave the process id and what it was told."""
    told = {"pid": os.getpid(), "url": webhook_url, "secret": webhook_secret}
    ledger.write_text(json.dumps(told))
    if os.environ.get("FAIL") == "emulator":
        sys.exit("The emulator is broken.")
    make_server("127.0.0.1", port, _emulator).serve_forever()


_emulator = Flask("emulator")
_emulator.add_url_rule("/_control/ledger", view_func=dict)
