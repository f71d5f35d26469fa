"""As many bytes as a page of the shop has, and nothing else."""

import os

from flask import Flask, Response

app = Flask(__name__)
page = os.urandom(int(os.environ.get("PAGE_BYTES", "4096")))


@app.get("/")
def give() -> Response:
    """Give the bytes."""
    return Response(page, mimetype="text/html")
