"""How the shop is served: `gunicorn wsgi:app` reads this by itself."""

import gc
import os

from storefront.errors import SettingsError
from storefront.settings import read_settings

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
# Four workers share what they read: 218 MiB instead of 375. The price is that HUP
# replaces workers without reading new code; a deploy restarts the master.
preload_app = True
# A checkout holds its thread while Stripe answers; the others keep the pages quick.
threads = int(os.environ.get("WEB_THREADS", "40"))
# Above the ten seconds that a call to Stripe may take.
timeout = 30
graceful_timeout = 20
keepalive = 5
# Two shops on one machine would share the default control socket.
control_socket_disable = True
# The app writes its own line for each request, without tokens.
accesslog = None


def on_starting(server):
    """Stop with a sentence, once, before workers would each fail."""
    try:
        settings = read_settings()
    except SettingsError as error:
        server.log.error("%s", error)
        raise SystemExit(2) from None
    if settings.database_url is None:
        server.log.error(
            "DATABASE_URL is not set, and no demo is running here: set it, or run "
            "`make run` first."
        )
        raise SystemExit(2)


def pre_fork(_server, _worker):
    """Look for garbage among what a worker makes, not all over the app each time."""
    gc.freeze()


def post_worker_init(worker):
    """Start the clock in each worker: threads do not survive the fork."""
    from storefront.extensions import db
    from storefront.scheduler.jobs import start_scheduler

    app = worker.wsgi
    with app.app_context():
        # With --preload the pool was made before the fork; sockets are not shared.
        db.engine.dispose(close=False)
    if app.config["SETTINGS"].scheduler == "on":
        worker.scheduler = start_scheduler(app)


def worker_exit(_server, worker):
    """Let a job that runs come to its end."""
    scheduler = getattr(worker, "scheduler", None)
    if scheduler:
        scheduler.shutdown(wait=True)
