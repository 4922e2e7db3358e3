"""`python -m gumloop_emulator` is `gumloop-emulator`."""

import sys

from gumloop_emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
