"""The whole demo in a copy of the checkout, on a path with a space."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.demo.processes import ROOT
from tests.demo.runs import running

FLASK_DEMO = """
import runpy, sys
sys.argv = ["flask", "--app", "wsgi", "demo"]
runpy.run_module("flask", run_name="__main__")
"""
PARTS = ("storefront", "migrations", "wsgi.py", "gunicorn.conf.py")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Give a copy of what the shop is made of."""
    with tempfile.TemporaryDirectory(prefix="storefront tests ") as name:
        Path(name).chmod(0o711)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, Path(name, part))
            else:
                shutil.copy(ROOT / part, name)
        yield Path(name)


def test_starts_serves_ends_and_starts_again(checkout: Path) -> None:
    with running(FLASK_DEMO, root=checkout, checkout=checkout) as run:
        settings = run.wait_until_ready().settings
        base = settings["BASE_URL"]
        assert requests.get(base, timeout=10).status_code == 200
        products = requests.get(f"{base}/api/products", timeout=10).json()
        assert products
        assert run.end(signal.SIGINT) == 0
        assert run.leaves_nothing()

    with running(FLASK_DEMO, root=checkout, checkout=checkout) as run:
        assert run.wait_until_ready().settings == settings
        again = requests.get(f"{base}/api/products", timeout=10).json()
        assert again == products
