"""Sessions as Flask has them; who brings no cookie costs no signature."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class CookieSessions(SecureCookieSessionInterface):
    """Flask's own, which makes its signer anew for each request, needed or not."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the session's cookie, if there is one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def init_app(app: Flask) -> None:
    """Have the app read its sessions this way."""
    app.session_interface = CookieSessions()
