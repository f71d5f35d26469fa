"""`python -m storefront.demo.almanac PATH` writes the almanac to a file."""

import sys
from pathlib import Path

from storefront.demo.almanac.book import Almanac
from storefront.demo.almanac.words import YEAR

Path(sys.argv[1]).write_bytes(Almanac(YEAR).write_book())
