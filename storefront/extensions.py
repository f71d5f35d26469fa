"""Flask's extensions, created unbound; create_app() binds them."""

from enum import StrEnum

from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import DateTime, Enum, MetaData, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState


class Model(DeclarativeBase):
    """Base of all tables; constraints get the names that migrations rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# Objects stay readable after a commit: what is shown was true when it was committed.
db = SQLAlchemy(model_class=Model, session_options={"expire_on_commit": False})


@event.listens_for(db.session, "do_orm_execute")
def leave_objects_alone(execution: ORMExecuteState) -> None:
    """Let UPDATE and DELETE change rows only: whoever needs one reads it anew."""
    if execution.is_update or execution.is_delete:
        execution.update_execution_options(synchronize_session=False)


migrate = Migrate()
mail = Mail()
csrf = CSRFProtect()

TIMESTAMP = DateTime(timezone=True)
# Nothing is NULL, and not JSON's own null: Postgres knows how to ask for that.
JSON_OR_NULL = JSONB(none_as_null=True)


def stored_enum(enum: type[StrEnum], name: str) -> Enum:
    """Store the members' values as a Postgres enum of that name."""
    return Enum(
        enum,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )
