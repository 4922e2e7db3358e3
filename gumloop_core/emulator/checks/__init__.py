"""The strictness: from a JSON body to a checked call, or to the 400 that names the offending field."""

from gumloop_core.emulator.checks.request import parse_body, parse_call

__all__ = ["parse_body", "parse_call"]
