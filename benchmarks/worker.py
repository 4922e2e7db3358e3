"""A process with one contender, so that no contender's threads and garbage are counted as another's.

It reads one JSON object a line from standard input, ``{"work": …, "server": …, "arguments": {…}}``, does the work of
that name from :mod:`benchmarks.work` and answers with ``{"value": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

# A peer fetches a price list from the network when it is imported, unless told not to.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
for proxy in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(proxy, None)
    os.environ.pop(proxy.upper(), None)

from benchmarks import work  # noqa: E402
from benchmarks.contenders import maker  # noqa: E402


def main(framework: str, name: str) -> None:
    """Serve until standard input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a contender prints must not get among the replies
    calls = import_module(f"benchmarks.callers.{framework}")
    contenders: dict[str, work.Contender] = {}
    for line in sys.stdin:
        order = json.loads(line)
        server = order["server"]
        contender = contenders.get(server)
        if contender is None:
            contender = contenders[server] = work.Contender(calls, maker(framework, name), server)
        try:
            reply = {"value": getattr(work, order["work"])(contender, **order["arguments"])}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
