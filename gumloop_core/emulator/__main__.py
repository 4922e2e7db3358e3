"""`python -m gumloop_core.emulator` is `gumloop-emulator`."""

import sys

from gumloop_core.emulator.cli import main

sys.exit(main())
