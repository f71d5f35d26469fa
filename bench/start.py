"""What the shop costs before anybody comes: time to start, memory, size on disk.

Memory that processes share is counted once: each process' part of it (PSS) is added.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import psutil
import requests

from storefront.demo.children import start_child
from storefront.demo.ports import free_port
from storefront.demo.postgres import embedded_postgres
from tests.chaos.stage import GUNICORN, ROOT, is_ready, run
from tests.factories.catalog import CATALOG
from tests.fixtures.shop import environment

Row = tuple[str, str]

TIMES = 5
# Workers are ready one after the other; each page is then made in each of them.
WARMING = 40
SECONDS_TO_BE_READY = 60.0
CONFIGURATION = ROOT / "gunicorn.conf.py"
PRELOAD = "preload_app = True"
IMPORT = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import wsgi
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def measure() -> list[Row]:
    """Measure all of it; give rows of a table: what, and how much."""
    with _database() as settings:
        return [*_imports(settings), *_served(settings), *_installed()]


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Give the settings of a shop with a database, and nobody else around."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-start")))
        # Under root Postgres is another user, who has to pass through here.
        folder.chmod(0o711)
        postgres = ending.enter_context(embedded_postgres(folder / "postgres"))
        settings = environment(postgres.url(), SCHEDULER="on")
        run(settings, "db", "upgrade").check_returncode()
        run(settings, "catalog", "load", str(CATALOG)).check_returncode()
        yield settings


def _imports(settings: dict[str, str]) -> Iterator[Row]:
    walls, cpus = [], []
    for _ in range(TIMES):
        told = subprocess.run(
            [sys.executable, "-c", IMPORT],
            env={**os.environ, **settings},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        walls.append(float(told[-2]))
        cpus.append(float(told[-1]))
    yield "importing and making the app, wall", f"{1000 * median(walls):.0f} ms"
    yield "importing and making the app, CPU", f"{1000 * median(cpus):.0f} ms"


def _served(settings: dict[str, str]) -> Iterator[Row]:
    for workers in (1, 4):
        for preload in (True, False):
            name = f"{workers} worker{'s' * (workers > 1)}"
            name += "" if preload else ", each reading the app itself"
            wall, resident, shared_once = _run(settings, workers, preload)
            yield f"{name}: until the first page", f"{1000 * wall:.0f} ms"
            yield f"{name}: memory, RSS of all", f"{resident / 1024:.0f} MiB"
            yield f"{name}: memory, PSS of all", f"{shared_once / 1024:.0f} MiB"


def _run(
    settings: dict[str, str], workers: int, preload: bool
) -> tuple[float, int, int]:
    """Serve the shop for a moment; give seconds, and kB of RSS and PSS with master."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    told = {**os.environ, **settings, "BASE_URL": url, "WEB_CONCURRENCY": str(workers)}
    log = Path(tempfile.gettempdir(), f"start-{port}.log")
    ours = log.with_suffix(".conf.py")
    ours.write_text(
        CONFIGURATION.read_text().replace(PRELOAD, f"{PRELOAD} and {preload}")
    )
    command = [*GUNICORN, f"--bind=127.0.0.1:{port}", f"--config={ours}"]
    begun = perf_counter()
    child = start_child("shop", command, log=log, env=told, cwd=ROOT)
    try:
        while not is_ready(url):
            if perf_counter() - begun > SECONDS_TO_BE_READY:
                raise TimeoutError(child.last_lines())
            sleep(0.01)
        wall = perf_counter() - begun
        (master,) = psutil.Process(child.pid).children()
        _warm(url, master, workers)
        memory = [_memory(one.pid) for one in (master, *master.children())]
    finally:
        child.stop()
        log.unlink()
        ours.unlink()
    return wall, sum(one[0] for one in memory), sum(one[1] for one in memory)


def _warm(url: str, master: psutil.Process, workers: int) -> None:
    """Wait for the workers, and have each of them show what people come for."""
    while len(master.children()) < workers:
        sleep(0.05)
    for _ in range(WARMING):
        for path in ("/", "/products/birth-chart-reading", "/readyz"):
            requests.get(url + path, timeout=10)


def _memory(pid: int) -> tuple[int, int]:
    """Give RSS and PSS of a process, in kB, as Linux counts them."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    found = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB$", text, re.M))
    return int(found["Rss"]), int(found["Pss"])


def _installed() -> Iterator[Row]:
    """Install what requirements.txt names into a folder, and weigh it."""
    with tempfile.TemporaryDirectory("-installed") as folder:
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
        wanted = ["--requirements", str(ROOT / "requirements.txt")]
        command = [*uv, "--target", folder, *wanted]
        subprocess.run(command, check=True)
        # Compiled by the installer or at the first import; the same either way.
        for cache in list(Path(folder).rglob("__pycache__")):
            shutil.rmtree(cache)
        files = [one for one in Path(folder).rglob("*") if one.is_file()]
        size = sum(one.stat().st_size for one in files)
        packages = len(list(Path(folder).glob("*.dist-info")))
    yield f"installed: {packages} packages", f"{size / 2**20:.0f} MiB"


if __name__ == "__main__":
    for name, amount in measure():
        sys.stdout.write(f"| {name} | {amount} |\n")
