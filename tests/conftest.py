"""The list of plugins that the tests share."""

pytest_plugins = ["tests.fixtures.emulator"]
