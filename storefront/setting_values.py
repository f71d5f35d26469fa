"""What the value of a setting may be: origins, addresses, secrets, rates, themes."""

import re
from ipaddress import ip_address
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from limits import parse as parse_rate
from pydantic import AfterValidator, BeforeValidator, SecretStr

from storefront.themes import list_themes

# No name and password, no path, nothing that could end a directive of the CSP.
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])"
    r"(:(?P<port>[0-9]{1,5}))?"
)
PLACEHOLDER = re.compile(
    r"\.\.\.|…|x{5,}|^<|change.?me|placeholder|your[-_ ]|^todo$"
    r"|^whsec(_x*)?$|^[sr]k_(test|live)_?x*$",
    re.I,
)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name can only mean this machine."""
    if host in ("localhost", None):
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(value: str) -> str:
    found = ORIGIN.fullmatch(value.rstrip("/"))
    if not found or not 0 < int(found["port"] or 443) < 65536:
        raise ValueError("must be an origin like https://shop.example, without a path")
    if found["scheme"] == "http" and not is_loopback(found["host"].strip("[]")):
        raise ValueError("must begin with https:// unless its host is this machine")
    return value.rstrip("/")


def _origins(value: str) -> str:
    return ",".join(_origin(part.strip()) for part in value.split(","))


def _address(value: str) -> str:
    address = re.sub(r"^.*<(.*)>$", r"\1", value.strip())
    try:
        validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError("must be an e-mail address, or Name <address@host>") from error
    return value.strip()


def _real(value: SecretStr) -> SecretStr:
    if not secrets_in(value):
        raise ValueError("is empty; set it, or remove the line")
    if any(PLACEHOLDER.search(part) for part in secrets_in(value)):
        raise ValueError("still holds a placeholder; put the real value there")
    return value


def secrets_in(value: SecretStr | None) -> tuple[str, ...]:
    """Split a comma list of secrets."""
    if value is None:
        return ()
    parts = (part.strip() for part in value.get_secret_value().split(","))
    return tuple(part for part in parts if part)


def _rate(value: str) -> str:
    try:
        parse_rate(value)
    except ValueError as error:
        raise ValueError("must be a rate, like 10 per minute") from error
    return value


def _theme(value: str) -> str:
    if value not in list_themes():
        raise ValueError(f"must be one of these: {', '.join(list_themes())}")
    return value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


Optional = BeforeValidator(_none_if_empty)
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[str, AfterValidator(_origins)]
Address = Annotated[str, AfterValidator(_address)]
Rate = Annotated[str, AfterValidator(_rate)]
ThemeName = Annotated[str, AfterValidator(_theme)]
Secret = Annotated[SecretStr, AfterValidator(_real)]
