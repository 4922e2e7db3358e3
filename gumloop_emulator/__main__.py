"""The command `gumloop-emulator`, also `python -m gumloop_emulator`: serve, record or replay until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gumloop_core import GumloopError
from gumloop_emulator.access import CONCURRENCY_BY_PLAN, Credentials, Limits
from gumloop_emulator.http11 import LocalServer
from gumloop_emulator.recording import Recorder
from gumloop_emulator.server import Emulator

_KEPT_REQUESTS = 100  # nobody reads them back here, and bodies can be large
_QUESTION = '{"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello"}]}'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "serve")  # the command that need not be named
    options = _parser().parse_args(given)
    try:
        server = _server(options)
        server.serve(lambda: print(greeting(server), flush=True))
    except (OSError, ValueError, GumloopError) as error:
        print(f"gumloop-emulator {options.command} on port {options.port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass  # that is how it ends
    return 0


def _server(options: argparse.Namespace) -> LocalServer:
    listening = {"host": options.host, "port": options.port, "keep_requests": _KEPT_REQUESTS}
    if options.command == "record":
        hosts = {"base_url": options.upstream, "stream_base_url": options.stream_upstream}
        return Recorder(options.to, **hosts, **listening)
    if options.command == "replay":
        server = Emulator(**listening)
        server.replay(options.file, ignore=options.ignore, pace=options.pace, refuse=not options.else_stand_in)
        return server
    return Emulator(
        credentials=Credentials(any_bearer=options.any_key),
        limits=Limits(options.concurrent, options.per_minute, retry_after=not options.no_retry_after),
        strict=not options.lenient,
        chunk_delay=options.chunk_delay,
        **listening,
    )


def greeting(server: LocalServer) -> str:
    """Return what is printed at the start: where it listens, and how to reach it."""
    if not isinstance(server, Emulator):
        return f"Recording at {server.base_url}\n\nexport GUMLOOP_BASE_URL={server.base_url}\n\nCtrl-C ends it."
    exports = "\n".join(f"export {name}={value}" for name, value in server.environment().items())
    return (
        f"Gumloop emulator at {server.base_url}\n\n{exports}\n\n"
        f"curl {server.base_url}/chat/completions \\\n"
        f"  -H 'Authorization: Bearer {server.api_key}' -H 'x-auth-key: {server.user_id}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{_QUESTION}'\n\nCtrl-C ends it."
    )


def _parser() -> argparse.ArgumentParser:
    listening = argparse.ArgumentParser(add_help=False)
    listening.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    listening.add_argument("--port", type=int, default=8123, help="the port, 0 for a free one (default: %(default)s)")
    parser = argparse.ArgumentParser(prog="gumloop-emulator", description="A local endpoint of Gumloop's wire.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[listening], help="answer (what happens without a command)")
    serve.add_argument("--any-key", action="store_true", help="accept any bearer, with or without x-auth-key")
    serve.add_argument("--lenient", action="store_true", help="accept bodies that break the contract")
    serve.add_argument("--chunk-delay", type=float, default=0.0, help="seconds between the chunks of a stream")
    plans = ", ".join(map(str, CONCURRENCY_BY_PLAN))
    serve.add_argument("--concurrent", type=int, help=f"calls that may be in flight; the plans allow {plans}")
    serve.add_argument("--per-minute", type=int, help="calls that may be made in a minute")
    serve.add_argument("--no-retry-after", action="store_true", help="say nothing of when to come back")
    record = commands.add_parser("record", parents=[listening], help="pass on to the real endpoint, and record")
    record.add_argument("--to", required=True, help="the file that exchanges are appended to")
    record.add_argument("--upstream", help="the real API host (default: GUMLOOP_BASE_URL, else the vendor's)")
    record.add_argument("--stream-upstream", help="the real chat host (default: as it follows from the other)")
    replay = commands.add_parser("replay", parents=[listening], help="answer as was recorded")
    replay.add_argument("file", help="the file of recorded exchanges")
    replay.add_argument("--ignore", action="append", default=[], help="a field in which requests may differ")
    pace = replay.add_mutually_exclusive_group()
    pace.add_argument("--pace", action="store_true", help="stream at the recorded pace")
    pace.add_argument("--at-once", dest="pace", action="store_false", help="stream at once (the default)")
    replay.add_argument("--else-stand-in", action="store_true", help="answer other requests too, instead of 404")
    return parser


if __name__ == "__main__":
    sys.exit(main())
