"""The app, for servers and for the flask command."""

import sys

from storefront import create_app
from storefront.errors import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(str(error))
