"""The command `gumloop-emulator`: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from gumloop_core.emulator.credentials import TOKEN_PREFIX, Credentials
from gumloop_core.emulator.server import INSTALL_HINT, Emulator

_KEPT_REQUESTS = 100  # nobody reads them back here, and bodies can be large


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    credentials = replace(Credentials(), any_bearer=options.any_key)
    server = Emulator(host=options.host, port=options.port, credentials=credentials, keep_requests=_KEPT_REQUESTS)
    try:
        server.serve(ready=lambda: print(greeting(server), flush=True))
    except ImportError:
        print(INSTALL_HINT, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot listen on {options.host}:{options.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass  # uvicorn hands the signal on after it has shut down in order
    return 0


def greeting(server: Emulator) -> str:
    """Return what is printed at the start: where it listens, and how to reach it."""
    exports = "\n".join(f"export {name}={value}" for name, value in server.environment().items())
    question = '{"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Capital of Canada?"}]}'
    return (
        f"Gumloop emulator at {server.base_url}\n\n{exports}\n\n"
        f"An access token needs no user id: any that starts with {TOKEN_PREFIX} will do.\n\n"
        f"curl {server.base_url}/chat/completions \\\n"
        f"  -H 'Authorization: Bearer {server.api_key}' -H 'x-auth-key: {server.user_id}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{question}'\n\nCtrl-C ends it."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gumloop-emulator", description="A local endpoint that speaks Gumloop's wire."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8123, help="the port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--any-key", action="store_true", help="accept any bearer, with or without x-auth-key")
    return parser


if __name__ == "__main__":
    sys.exit(main())
