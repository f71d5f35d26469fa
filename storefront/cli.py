"""The commands, each a call into a part.

What the demo's commands call is imported when they run: every web worker reads this
file, and none of them serves a demo.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError

from storefront.catalog.loader import DEMO, CatalogInvalid
from storefront.catalog.loader import load_catalog as load
from storefront.checkout.compare_books import compare_books
from storefront.clock import now
from storefront.demo.errors import DemoError
from storefront.gateway.errors import GatewayUnavailable
from storefront.money import format_money
from storefront.orders.models import Order
from storefront.orders.queries import (
    find_order,
    find_order_by_number,
    list_latest_orders,
    list_open_matters,
)
from storefront.scheduler.claims import find_runs
from storefront.scheduler.jobs import run_now
from storefront.scheduler.timetable import TIMETABLE, get_job
from storefront.settings import current_settings
from storefront.transaction import transaction

catalog = AppGroup("catalog", help="What is sold.")
job = AppGroup("job", help="What runs by itself, by hand.")
orders = AppGroup("orders", help="What was sold.")


def add_commands(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (catalog, job, orders, money, demo, emulator):
        app.cli.add_command(command)


def needs_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Stop with a sentence where no database is named."""

    @wraps(command)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if current_settings().database_url is None:
            raise click.ClickException(
                "DATABASE_URL is not set, and no demo is running here: set it, or run "
                "`make run` first."
            )
        try:
            return command(*args, **kwargs)
        except OperationalError as error:
            raise click.ClickException(
                "The database does not answer. Is it, or the demo, running?"
            ) from error

    return checked


@catalog.command("load")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--demo", "is_demo", is_flag=True, help="The demo studio's catalog.")
@needs_database
def load_catalog(file: Path | None, is_demo: bool) -> None:
    """Make the shelf what FILE (TOML) says; again and again as you like."""
    if (file is None) != is_demo:
        raise click.UsageError("Name a FILE, or --demo.")
    try:
        with transaction():
            count = load(file or DEMO, current_settings().shop_currency)
    except CatalogInvalid as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} products loaded.")


@job.command("list")
@needs_database
def list_jobs() -> None:
    """List the jobs: how often each runs, when it last did, and what went wrong."""
    runs = find_runs()
    for one in TIMETABLE:
        run = runs.get(one.name)
        ended = run and run.finished_at
        when = f"last run {ended:%Y-%m-%d %H:%M:%S} UTC" if ended else "not run yet"
        click.echo(f"{one.name:<15} every {one.every!s:<14} {when}")
        if run and run.last_error:
            click.secho(f"{'':<15} failed: {run.last_error}", fg="red")


@job.command("run")
@click.argument("names", nargs=-1)
@click.option("--all", "all_jobs", is_flag=True, help="Every job, in order.")
@needs_database
def run_jobs(names: tuple[str, ...], all_jobs: bool) -> None:
    """Run jobs now, whatever is due or backing off."""
    if bool(names) == all_jobs:
        raise click.UsageError("Name jobs, or --all.")
    try:
        chosen = list(TIMETABLE) if all_jobs else [get_job(name) for name in names]
    except KeyError as error:
        known = ", ".join(one.name for one in TIMETABLE)
        raise click.UsageError(f"No job {error}; there are: {known}.") from error
    for one in chosen:
        click.echo(f"{one.name}: {run_now(one)} done")


@orders.command("list")
@click.option("--limit", default=20, show_default=True)
@needs_database
def list_orders(limit: int) -> None:
    """List the newest orders."""
    for order in list_latest_orders(limit):
        click.echo(
            f"{order.number}  {order.status.value:<9} {_money(order):>12}  "
            f"{order.created_at:%Y-%m-%d %H:%M} UTC  {_what(order)}"
        )


@orders.command("show")
@click.argument("number")
@needs_database
def show_order(number: str) -> None:
    """Show one order with its history, by its NUMBER."""
    order = find_order_by_number(number)
    if order is None:
        raise click.ClickException(f"There is no order {number}.")
    click.echo(f"{order.number}: {order.status.value}, {_money(order)}, {_what(order)}")
    click.echo(f"{order.customer_name} <{order.customer_email}>")
    for note in filter(None, (order.note, order.shipping_address)):
        click.echo(note if isinstance(note, str) else json.dumps(note))
    for attempt in order.attempts:
        click.echo(
            f"attempt {attempt.position}: {attempt.state.value}, "
            f"{attempt.provider_session_id or 'no session'}, "
            f"{attempt.provider_payment_intent_id or 'no payment'}"
        )
    for event in order.events:
        click.echo(
            f"{event.created_at:%Y-%m-%d %H:%M:%S} UTC  {event.event_type.value:<9} "
            f"{json.dumps(event.event_metadata)}"
        )


@click.command()
@click.option("--days", default=35, show_default=True, help="How far to look back.")
@with_appcontext
@needs_database
def money(days: int) -> None:
    """List what needs the owner's attention, and what differs from Stripe's books."""
    matters = list_open_matters()
    for matter in matters:
        about = find_order(matter.order_id) if matter.order_id else None
        click.echo(
            f"{matter.raised_at:%Y-%m-%d %H:%M} UTC  {matter.reason}: {matter.subject}"
            f"{f', order {about.number}' if about else ''}  "
            f"{json.dumps(matter.figures)}"
        )
    click.echo(f"{len(matters)} matters are open. Comparing with Stripe's books …")
    until = now() + timedelta(minutes=1)
    try:
        differences = list(compare_books(until - timedelta(days=days), until))
    except GatewayUnavailable as error:
        raise click.ClickException(f"Stripe does not answer: {error}") from error
    for one in differences:
        click.echo(
            f"{one.what}: {one.subject}, order {one.order_number or 'unknown'}, "
            f"here {_figure(one.here, one.currency)}, "
            f"there {_figure(one.there, one.currency)}"
        )
    click.echo(f"{len(differences)} differences in the last {days} days.")


def _figure(amount: int | None, currency: str) -> str:
    return "nothing" if amount is None else format_money(amount, currency)


def _money(order: Order) -> str:
    return format_money(order.total_amount, order.currency)


def _what(order: Order) -> str:
    return ", ".join(f"{one['quantity']} x {one['name']}" for one in order.line_items)


@click.group(cls=AppGroup, invoke_without_command=True)
@click.pass_context
@with_appcontext
def demo(context: click.Context) -> None:
    """Run the shop with everything it needs, on this machine alone."""
    if context.invoked_subcommand is None:
        from storefront.demo.run import run_demo

        run_demo(_root())


@demo.command("check")
@needs_database
def check_demo() -> None:
    """Compare the running demo's orders, Stripe's ledger and the mailbox."""
    from storefront.demo.check import check_running

    settings = current_settings()
    database_url = (settings.database_url or "").replace("+psycopg2", "")
    try:
        found = check_running(database_url, settings.stripe_api_base, _root())
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    for sentence in found:
        click.echo(sentence)
    if found:
        raise click.ClickException(f"{len(found)} things do not agree.")
    click.echo("Everything agrees.")


def _root() -> Path:
    return Path(current_app.root_path).parent


@click.command()
@click.option("--port", default=0, help="A free one is taken by default.")
@click.option("--webhook-url", help="Where events are delivered.")
@click.option("--webhook-secret", help="What they are signed with.")
@click.option("--ledger", type=click.Path(path_type=Path), help="Keep the books here.")
def emulator(
    port: int,
    webhook_url: str | None,
    webhook_secret: str | None,
    ledger: Path | None,
) -> None:
    """Run the Stripe emulator alone; it needs no database."""
    if bool(webhook_url) != bool(webhook_secret):
        raise click.UsageError("--webhook-url and --webhook-secret belong together.")
    from storefront.demo.stripe_emulator.serve import serve

    given = webhook_url and webhook_secret
    serve(
        port=port,
        endpoints=[(webhook_url, webhook_secret)] if given else [],
        ledger=ledger,
        ready=lambda url: click.echo(f"Stripe emulator at {url}"),
    )
