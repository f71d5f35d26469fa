"""Whether the process lives, and whether it can do its work."""

from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storefront.extensions import db

blueprint = Blueprint("health", __name__)


def init_app(app: Flask, migrations: str) -> None:
    """Remember which schema this code was written for."""
    config = Config()
    config.set_main_option("script_location", migrations)
    scripts = ScriptDirectory.from_config(config)
    app.extensions["schema_head"] = scripts.get_current_head()
    app.extensions["schema_known"] = {one.revision for one in scripts.walk_revisions()}
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    """Answer while the process lives."""
    return {"status": "alive"}


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """Answer 200 if the database is there with a schema fit for this code.

    The scheduler's heartbeat is told, but a slow job is no reason to send no customers.
    """
    try:
        read_only = db.session.scalar(text("SHOW transaction_read_only"))
        version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        age = db.session.scalar(
            text(
                "SELECT extract(epoch FROM now() - max(finished_at))"
                " FROM scheduled_jobs"
            )
        )
    except SQLAlchemyError as error:
        db.session.rollback()
        return _not_ready(_what_is_missing(error))
    if read_only == "on":
        return _not_ready("the database takes no changes")
    if version != current_app.extensions["schema_head"] and _is_behind(version):
        return _not_ready("the schema is behind this code: run flask db upgrade")
    heartbeat = None if age is None else round(float(age), 1)
    return {"status": "ready", "scheduler": {"seconds_since_last_run": heartbeat}}


def _is_behind(version: str | None) -> bool:
    # An unknown one is ahead: newer code has migrated, and this code still runs.
    return version is None or version in current_app.extensions["schema_known"]


def _what_is_missing(error: SQLAlchemyError) -> str:
    undefined = getattr(getattr(error, "orig", None), "pgcode", None) == "42P01"
    return (
        "the schema is behind this code: run flask db upgrade"
        if undefined
        else "the database is not reachable"
    )


def _not_ready(why: str) -> tuple[dict[str, Any], int]:
    return {"status": "not ready", "reason": why}, 503
