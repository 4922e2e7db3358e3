"""Plain answers: greetings, a handful of facts, arithmetic, what was said before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gumloop_core.emulator.call import Call
from gumloop_core.emulator.rules.arithmetic import evaluate, from_instructions
from gumloop_core.emulator.rules.context import ECHO, pick, sentences_of
from gumloop_core.emulator.rules.findings import Findings
from gumloop_core.emulator.rules.request import Request
from gumloop_core.emulator.schema.samples import JOKE

_CAPITALS: Mapping[str, str] = {
    "argentina": "Buenos Aires",
    "australia": "Canberra",
    "austria": "Vienna",
    "belgium": "Brussels",
    "brazil": "Brasília",
    "canada": "Ottawa",
    "chile": "Santiago",
    "china": "Beijing",
    "denmark": "Copenhagen",
    "egypt": "Cairo",
    "england": "London",
    "finland": "Helsinki",
    "france": "Paris",
    "germany": "Berlin",
    "greece": "Athens",
    "hungary": "Budapest",
    "india": "New Delhi",
    "ireland": "Dublin",
    "italy": "Rome",
    "japan": "Tokyo",
    "kenya": "Nairobi",
    "mexico": "Mexico City",
    "netherlands": "Amsterdam",
    "new zealand": "Wellington",
    "norway": "Oslo",
    "peru": "Lima",
    "poland": "Warsaw",
    "portugal": "Lisbon",
    "south korea": "Seoul",
    "spain": "Madrid",
    "sweden": "Stockholm",
    "switzerland": "Bern",
    "turkey": "Ankara",
    "united kingdom": "London",
    "united states": "Washington, D.C.",
    "usa": "Washington, D.C.",
}
_FACTS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\bboil(?:s|ing)?\b.*\bwater\b|\bwater\b.*\bboil", re.I), "Water boils at 100 °C at sea level."),
    (re.compile(r"\bspeed of light\b", re.I), "The speed of light in vacuum is 299,792,458 m/s."),
    (re.compile(r"\b(?:largest|biggest) planet\b", re.I), "Jupiter is the largest planet of the solar system."),
    (re.compile(r"\bhow many days\b.*\byear\b", re.I), "A common year has 365 days, a leap year 366."),
    (re.compile(r"\bjoke\b", re.I), " ".join(JOKE.values())),
)
_CAPITAL = re.compile(r"\bcapital(?: city)? of (?:the )?([A-Za-z ]+?)(?=[?.,;!]|\s+and\b|$)", re.I)
_REVERSE = re.compile(r"\b([A-Z][\w ]+?) is the capital of (?:what|which)", re.I)
_GREETING = re.compile(
    r"^\s*(?:hello|hi|hey|good (?:morning|afternoon|evening)|greetings)\b[\s,!.]*(?:there|you)?[\s!.]*$", re.I
)
_HOW_ARE_YOU = re.compile(r"\bhow are you\b", re.I)
_THANKS = re.compile(r"^\s*(?:thanks|thank you|thx)\b", re.I)
_SAY = re.compile(
    r"^\s*(?:please\s+)?(?:say|repeat|echo|reply with|respond with|answer with)(?: exactly)?(?: the word)?[:\s]+(.+)$",
    re.I | re.S,
)
_ABOUT_ME = re.compile(r"\b(?:my|i|me|we|our|mine|earlier|before|remember|said|told)\b", re.I)
_LONGEST_ECHO = 300


def plain_answer(call: Call, request: Request) -> str:
    """Return an answer without tools and context."""
    text = request.text
    for known in (_say(text), _capital(text), _fact(text), _arithmetic(text), _small_talk(text)):
        if known is not None:
            return known
    remembered = _from_history(call, text)
    if remembered is not None:
        return remembered
    return _about(call, text)


def _say(text: str) -> str | None:
    match = _SAY.match(text)
    if match is None:
        return None
    said = match[1].strip()
    return said[1:-1] if len(said) > 2 and said[0] == said[-1] and said[0] in "\"'" else said


def _capital(text: str) -> str | None:
    named = [match[1].strip().lower() for match in _CAPITAL.finditer(text)]
    if "capital" in text.lower() and not named:
        named = [span.value.lower() for span in Findings(text).names]
    known = [(name, _CAPITALS[name]) for name in named if name in _CAPITALS]
    if len(known) == 1:
        return f"{known[0][1]}."
    return " ".join(f"The capital of {name.title()} is {city}." for name, city in known) or None


def _fact(text: str) -> str | None:
    return next((fact for pattern, fact in _FACTS if pattern.search(text)), None)


def _arithmetic(text: str) -> str | None:
    expressions = Findings(text).expressions or [one for one in [from_instructions(text)] if one]
    values = [(expression, evaluate(expression)) for expression in expressions]
    return " ".join(f"{expression} = {value}." for expression, value in values if value is not None) or None


def _small_talk(text: str) -> str | None:
    if _GREETING.match(text):
        return "Hello! How can I help you?"
    if _HOW_ARE_YOU.search(text):
        return "I am well, thank you. How can I help you?"
    return "You are welcome." if _THANKS.match(text) else None


def _from_history(call: Call, text: str) -> str | None:
    """Return what the user said before about what is asked now."""
    if not _ABOUT_ME.search(text):
        return None
    earlier = [m.text for m in call.messages[: max(call.last_user_index(), 0)] if m.role == "user"]
    statements = [s for s in sentences_of("\n\n".join(earlier)) if not s.text.endswith("?")]
    chosen = pick(text, statements, most=1, least=0.3)
    return _second_person(chosen[0].text) if chosen else None


def _second_person(sentence: str) -> str:
    turned = re.sub(r"^(?:hi|hello|hey)[,!. ]+", "", sentence, flags=re.I)
    for first, second in (
        (r"\bI am\b|\bI'm\b", "you are"),
        (r"\bI\b", "you"),
        (r"\b[Mm]y\b", "your"),
        (r"\bme\b", "you"),
    ):
        turned = re.sub(first, second, turned)
    turned = turned[:1].upper() + turned[1:]
    return turned if turned[-1:] in ".!" else f"{turned}."


def _about(call: Call, text: str) -> str:
    last = call.messages[call.last_user_index()] if call.last_user_index() >= 0 else None
    seen = []
    if last is not None and last.images:
        seen.append(f"{last.images} image{'s' if last.images > 1 else ''}")
    if last is not None and last.attachments:
        seen.append(f"{last.attachments} attachment{'s' if last.attachments > 1 else ''}")
    sent = f" You sent {' and '.join(seen)}." if seen else ""
    shown = text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO].rsplit(" ", 1)[0] + " …"
    if not shown:
        return f"There is nothing to answer.{sent}"
    return f"{ECHO} {shown}{sent if shown[-1:] in '.!?…' else '.' + sent}"
