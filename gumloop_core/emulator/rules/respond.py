"""What is answered."""

from __future__ import annotations

from dataclasses import replace

from gumloop_core.emulator.call import Call
from gumloop_core.emulator.reply import Reply
from gumloop_core.emulator.rules.reasoning import (
    check_returned,
)
from gumloop_core.emulator.rules.usage import check_context, count_usage


def respond(call: Call) -> Reply:
    """Answer."""
    check_context(call)
    check_returned(call)
    reply = Reply(text="Ottawa." if "Canada" in call.last_user_text() else "Hello there.")
    return replace(reply, usage=count_usage(reply, call))
