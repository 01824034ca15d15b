"""`python -m ReVertLib`, the same as `revert`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
