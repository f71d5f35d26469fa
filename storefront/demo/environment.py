"""What the demo tells the shop: settings, secrets and ports, kept in `demo.env`.

What a person has set, in the environment or in `.env`, wins and starts no stand-in.
"""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from storefront.demo.errors import DemoError
from storefront.demo.ports import LOOPBACK, free_port, is_free
from storefront.demo.terminal import say
from storefront.settings import Settings

NAMES = [name.upper() for name in Settings.model_fields]
SHOP_PORT = 8000
EMULATOR_PORT = 8010
MAILBOX_PORT = 8025
SMTP_PORT = 8026
# Addresses that reach nobody, and a number that is set aside for films.
DEFAULTS = {
    "MAIL_DEFAULT_SENDER": "studio@lunaria.example",
    "MAIL_REPLY_TO": "hello@lunaria.example",
    "OWNER_EMAIL": "owner@lunaria.example",
    "WHATSAPP_NUMBER": "447700900123",
}
PLAIN = re.compile(r"[\w./:@%+,?&=*-]*", re.ASCII)


class Environment:
    """The settings of one run: given by a person, kept from the last run, or new."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.file = root / "instance" / "demo.env"
        everything = {**_read(root / ".env"), **environ}
        self._inherited = dict(environ)
        self._given = {
            name.upper(): value
            for name, value in everything.items()
            if name.upper() in NAMES and value
        }
        self._last = _read(self.file)
        self._ports: set[int] = set()
        self._settings: dict[str, str] = {}

    @property
    def mode(self) -> str:
        """Give the mode that a person wants, the demo unless said."""
        return self._given.get("STOREFRONT_ENV", "demo")

    @property
    def wants_postgres(self) -> bool:
        """Tell whether nobody named a database."""
        return "DATABASE_URL" not in self._given

    @property
    def wants_emulator(self) -> bool:
        """Tell whether nobody named a Stripe, the real one included."""
        return not self._given.keys() & {"STRIPE_API_BASE", "STRIPE_SECRET_KEY"}

    @property
    def wants_mailbox(self) -> bool:
        """Tell whether nobody named a mail server."""
        return "MAIL_SERVER" not in self._given

    def __getitem__(self, name: str) -> str:
        """Give a setting as the shop gets it."""
        return {**self._settings, **self._given}[name]

    def add(self, **settings: str) -> None:
        """Add settings; given ones stay as they are."""
        self._settings.update(settings)

    def add_shop(self) -> int:
        """Add what the shop itself needs and give its port."""
        port = self._shop_port()
        self.add(
            STOREFRONT_ENV="demo",
            BASE_URL=f"http://{LOOPBACK}:{port}",
            SECRET_KEY=self._kept("SECRET_KEY", lambda: secrets.token_hex(32)),
            STRIPE_SECRET_KEY=self._kept(
                "STRIPE_SECRET_KEY", lambda: f"sk_test_{secrets.token_hex(12)}"
            ),
            STRIPE_WEBHOOK_SECRET=self._kept(
                "STRIPE_WEBHOOK_SECRET", lambda: f"whsec_{secrets.token_hex(24)}"
            ),
            **DEFAULTS,
        )
        return port

    def add_emulator(self) -> int:
        """Add the emulator's address and give its port."""
        port = self._port("STRIPE_API_BASE", EMULATOR_PORT, "the Stripe emulator")
        self.add(STRIPE_API_BASE=f"http://{LOOPBACK}:{port}")
        return port

    def add_mailbox(self) -> tuple[int, int]:
        """Add the mailbox's addresses and give its ports: of SMTP, of the page."""
        smtp = self._port("MAIL_PORT", SMTP_PORT, "the mail server")
        page = self._port("MAILBOX_URL", MAILBOX_PORT, "the mailbox")
        server = {
            "MAIL_SERVER": LOOPBACK,
            "MAIL_PORT": str(smtp),
            "MAIL_USE_TLS": "false",
            "MAIL_USE_SSL": "false",
            "MAIL_USERNAME": "",
            "MAIL_PASSWORD": "",
        }
        # All of it together: the login of somebody's own server is none here.
        for name in server.keys() & self._given.keys():
            del self._given[name]
        self.add(**server, MAILBOX_URL=f"http://{LOOPBACK}:{page}/")
        return smtp, page

    def addresses(self) -> str:
        """Give the addresses that a person can open, one a line."""
        everything = {**self._settings, **self._given}
        names = {
            "The shop": "BASE_URL",
            "The payments": "STRIPE_API_BASE",
            "The letters": "MAILBOX_URL",
        }
        return "\n".join(
            f"{title:<14}{everything[name].rstrip('/')}/"
            for title, name in names.items()
            if name in everything
        )

    def write(self) -> None:
        """Write everything down for the other commands, for our eyes only."""
        settings = {**self._settings, **self._given}
        parts = self.file.with_name(f"{self.file.name}.new")
        parts.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(parts, flags, 0o600), "w") as file:
            file.writelines(
                _line(name, value) for name, value in sorted(settings.items()) if value
            )
        parts.replace(self.file)

    def of_child(self) -> dict[str, str]:
        """Give the whole environment of a process of the demo."""
        others = self._inherited.get("NO_PROXY") or self._inherited.get("no_proxy")
        direct = ",".join(filter(None, [LOOPBACK, "localhost", others]))
        return {
            **self._inherited,
            **self._settings,
            **self._given,
            "NO_PROXY": direct,  # a proxy on the way out is none between the parts
            "no_proxy": direct,
        }

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        return self._last.get(name) or make()

    def _shop_port(self) -> int:
        base = urlsplit(self._given.get("BASE_URL", ""))
        if base.hostname not in (LOOPBACK, "localhost") or base.port is None:
            return self._port("BASE_URL", SHOP_PORT, "the shop")
        if not is_free(base.port):
            raise DemoError(
                f"BASE_URL names port {base.port}, which is taken: end what listens "
                "there, or unset BASE_URL."
            )
        return base.port

    def _port(self, name: str, default: int, what: str) -> int:
        """Choose the last run's port, else the usual one, else any, and say so."""
        last = re.search(r":(\d+)/?$|^(\d+)$", self._last.get(name, ""))
        wanted = int(last[1] or last[2]) if last else default
        port = next(
            port
            for port in (wanted, default, free_port())
            if port not in self._ports and is_free(port)
        )
        if port != wanted:
            say(f"  Port {wanted} is taken: {what} gets {port}.")
        self._ports.add(port)
        return port


def _read(file: Path) -> dict[str, str]:
    values = dotenv_values(file, interpolate=False)
    return {name: value for name, value in values.items() if value}


def _line(name: str, value: str) -> str:
    if not PLAIN.fullmatch(value):
        value = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"{name}={value}\n"
