"""Whether a page or a fragment is wanted."""

from flask import make_response, redirect, request
from werkzeug.wrappers import Response


def wants_fragment() -> bool:
    """Tell whether htmx asks, and not to restore its history."""
    return (
        "HX-Request" in request.headers
        and "HX-History-Restore-Request" not in request.headers
    )


def leave_for(url: str) -> Response:
    """Send the browser to another address; htmx cannot follow one to another site."""
    if wants_fragment():
        answer = make_response("", 200)
        answer.headers["HX-Redirect"] = url
        return answer
    return redirect(url, 303)
