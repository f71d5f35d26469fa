"""One SELECT by primary key, and an empty answer."""

from flask import Flask, Response

from bench.bare.database import new_pool

app = Flask(__name__)
pool = new_pool()


@app.get("/")
def ready() -> str:
    """Tell that it is there."""
    return ""


@app.get("/orders/<token>/status")
def poll(token: str) -> Response:
    """Look whether the order is still pending."""
    connection = pool.getconn()
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM orders WHERE page_token = %s", (token,))
        row = cursor.fetchone()
    pool.putconn(connection)
    return Response(status=204 if row == ("pending",) else 404)
