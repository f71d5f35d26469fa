"""A list of plugins, nothing else."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.mailbox",
    "tests.fixtures.emulator",
    "tests.fixtures.shop",
    "tests.fixtures.gunicorn",
    "tests.fixtures.browser",
    "tests.fixtures.gallery",
    "tests.fixtures.order",
    "tests.fixtures.figures",
]
