"""Refusals in the shape and the words of Stripe's API."""

from typing import Any

INVALID_REQUEST = "invalid_request_error"


class ApiError(Exception):
    """An answer other than 200, told as Stripe tells it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        """Say what was wrong, with the parameter that was to blame where one was."""
        super().__init__(message)
        self.status = status
        self.param = param
        self._members = {"message": message, "type": kind, "code": code, "param": param}

    def body(self) -> dict[str, Any]:
        """Give the JSON body; members without a value are left out, as Stripe does."""
        told = {name: value for name, value in self._members.items() if value}
        return {"error": told}


def parameter_unknown(param: str, hint: str = "") -> ApiError:
    """Refuse a parameter that the operation does not have."""
    message = f"Received unknown parameter: {param}{hint}"
    return ApiError(message, code="parameter_unknown", param=param)


def parameter_missing(param: str) -> ApiError:
    """Refuse a request that lacks a parameter."""
    message = f"Missing required param: {param}."
    return ApiError(message, code="parameter_missing", param=param)


def parameter_invalid(message: str, param: str, code: str | None = None) -> ApiError:
    """Refuse the value of a parameter."""
    return ApiError(message, code=code, param=param)


def not_emulated(what: str, param: str) -> ApiError:
    """Refuse what Stripe knows and the emulator does not act on."""
    return ApiError(f"The emulator does not do {what}; Stripe does.", param=param)


def resource_missing(
    kind: str, key: str, *, param: str = "id", status: int = 404
) -> ApiError:
    """Say that no such object is held; a mere reference in a body is a 400."""
    message = f"No such {kind}: '{key}'"
    return ApiError(message, status=status, code="resource_missing", param=param)
