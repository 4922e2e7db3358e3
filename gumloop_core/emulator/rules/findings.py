"""What a text holds: names, numbers, quotations, dates, addresses, labelled values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.arithmetic import expressions

_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|`([^`\n]+)`|(?<![\w])'([^'\n]+)'(?![\w])")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")
_TIME = re.compile(r"\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\s?[ap]m)?\b|\b(?:1[0-2]|[1-9])\s?[ap]m\b", re.I)
_PHONE = re.compile(r"(?<!\w)\+?\d[\d\s().-]{6,}\d(?!\w)")
_PATH = re.compile(
    r"(?<![\w/.-])(?:~|\.{1,2})?/?(?:[\w.-]+/)*[\w-]+\.[A-Za-z]{1,5}\b(?!@)|(?<!\w)(?:~|\.{0,2})/[\w./-]+"
)
_IDENTIFIER = re.compile(
    r"#\w[\w-]*\b|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b|(?<=[Nn]o\. )\d+"
)
_NUMBER = re.compile(r"(?<![\w.,-])(?:[$€£]\s?)?-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w]*@)(?!\.\d)")
_LABEL = re.compile(
    r"(?:^|[\n,;({]|[.!?]\s|\s-\s)\s*[\"'*]*([A-Za-z][\w -]{0,30}?)[\"'*]*\s*(?::|=)\s*(?!/)(.+?)"
    r"(?=$|\n|[;}]|(?:,|[.!?]\s)\s*[\"'*]*[A-Za-z][\w -]{0,30}[\"'*]*\s*[:=])",
    re.M,
)
_NAME = re.compile(
    r"(?:[A-Z][\w\u2019-]*|[A-Z]\.)(?:(?:\s+(?:of|de|del|la|le|du|da|van|von|der|the|and\sthe)\s+|\s+|\s*&\s*)"
    r"(?:[A-Z][\w\u2019-]*|[A-Z]\.))*(?:,\s[A-Z]{2}\b)?"
)
_MONTHS = words.listed("January February March April May June July August September October November December")
_WEEKDAYS = words.listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_MONTH = "|".join(month[:3] + f"(?:{month[3:]})?" if month[3:] else month for month in _MONTHS)
_DATE = re.compile(
    rf"\b(\d{{4}})-(\d{{2}})-(\d{{2}})\b|\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_MONTH})\.?,?\s+(\d{{4}})\b|\b(\d{{1,2}})/(\d{{1,2}})/(\d{{4}})\b"
)
_WORD_NUMBERS = {
    word: value
    for value, word in enumerate(words.listed("two three four five six seven eight nine ten eleven twelve"), start=2)
} | {"fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100, "dozen": 12}
_WORD_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORD_NUMBERS)})\b", re.I)

# "3 pens, 2 books" are two things; the comma of "May 5, 2026" separates none.
_BETWEEN_COUNTED = re.compile(r";\s+|(?<!\d),\s+(?=(?:and\s+)?\d+\s+[a-z])")

_LONGEST = 40_000  # characters that are looked through: the beginning and the end of a longer text

# Capitalised words that begin sentences without being names.
_STARTERS = frozenset(
    words.listed("""add answer apply ask book buy calculate call can check choose cancel compare compute convert
    could create delete describe design draw evaluate explain extract fetch find generate give greet hello hey
    hi how imagine insert invoke is list look make multiply name open order pay pick plan play please process
    provide put query read
    remember remove reply reserve run save say search send set show solve sum summarize summarise tell thanks
    translate try turn update use using what what's whats when where which who why will would write yes no i i'm
    i'd i've the a an my our your his her its their this that these those if for from in on at by with and or but so
    also then next after before finally first second both are do does did was were has have had let let's dear
    it given based below above today tomorrow context question query answer note he she they we you there here how's
    where's meet meeting remind schedule ship refund bought json xml html csv api output ensure include""")
)


@dataclass(frozen=True)
class Span:
    """A value and where it stands in the text."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Number:
    """A number and where it stands in the text."""

    value: int | float
    start: int
    end: int


class Findings:
    """The values of one text, each kind looked for when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"

    @cached_property
    def quoted(self) -> list[str]:
        """The quotations."""
        return [next(group for group in match.groups() if group) for match in _QUOTED.finditer(self.text)]

    @cached_property
    def emails(self) -> list[str]:
        """The e-mail addresses."""
        return _EMAIL.findall(self.text)

    @cached_property
    def urls(self) -> list[str]:
        """The web addresses."""
        return _URL.findall(self.text)

    @cached_property
    def times(self) -> list[str]:
        """The times of day as written."""
        return [match.group() for match in _TIME.finditer(self.text)]

    @cached_property
    def phones(self) -> list[str]:
        """The telephone numbers."""
        found = [match.group().strip() for match in _PHONE.finditer(self.text)]
        return [phone for phone in found if sum(map(str.isdigit, phone)) >= 7 and not _DATE.match(phone)]

    @cached_property
    def paths(self) -> list[str]:
        """The names of files."""
        without = _URL.sub(" ", _EMAIL.sub(" ", self.text))
        found = [match.group() for match in _PATH.finditer(without)]
        return [path for path in found if not path.replace(".", "").isdigit()]

    @cached_property
    def expressions(self) -> list[str]:
        """The arithmetic expressions."""
        return expressions(self.text)

    @cached_property
    def dates(self) -> list[str]:
        """The dates, as ISO 8601."""
        return [iso for match in _DATE.finditer(self.text) if (iso := _iso(match))]

    @cached_property
    def identifiers(self) -> list[str]:
        """The tokens that mix letters and digits, and those behind a #."""
        hidden = _spans(self.text, (_EMAIL, _URL, _DATE, _TIME))
        found = [match for match in _IDENTIFIER.finditer(self.text) if not _inside(match.start(), hidden)]
        return [match.group().lstrip("#") for match in found]

    @cached_property
    def numbers(self) -> list[Number]:
        """The numbers outside of dates, times, addresses and identifiers, words such as "three" included."""
        hidden = _spans(self.text, (_EMAIL, _URL, _DATE, _TIME))
        hidden += [match.span() for match in _PHONE.finditer(self.text) if match.group().strip() in self.phones]
        found = []
        for match in _NUMBER.finditer(self.text):
            if not _inside(match.start(), hidden):
                plain = match.group().lstrip("$€£ ").replace(",", "")
                found.append(Number(float(plain) if "." in plain else int(plain), match.start(), match.end()))
        found += [
            Number(_WORD_NUMBERS[match.group().lower()], match.start(), match.end())
            for match in _WORD_NUMBER.finditer(self.text)
        ]
        return sorted(found, key=lambda number: number.start)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labelled values, `key: value` and `key=value`, by the label in lower case with underscores."""
        found: dict[str, str] = {}
        for match in _LABEL.finditer(self.text):
            label = "_".join(words.split(match[1]))
            value = match[2].strip()
            if not _at_line_start(self.text, match.start(1)):
                # A label inside a sentence has a value that ends with its clause.
                value = re.split(r",\s|[.!?](?:\s|$)", value)[0]
            value = value.rstrip(".,").strip("\"'* ")
            if value:
                found.setdefault(label, value)
        return found

    @cached_property
    def names(self) -> list[Span]:
        """The capitalised names, without words that are capitalised because they begin a sentence."""
        found = []
        for match in _NAME.finditer(self.text):
            span = self._without_starter(match)
            if span and not _is_calendar(span.value):
                found.append(span)
        return found

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences and lines."""
        return split_sentences(self.text)

    def begins_sentence(self, position: int) -> bool:
        """Return whether a sentence begins at a position."""
        before = self.text[:position].rstrip(" \"'(")
        return not before or before[-1] in ".!?\n:"

    def word_before(self, position: int) -> str:
        """Return the word before a position, in lower case."""
        found = words.split(self.text[max(0, position - 40) : position])
        return found[-1] if found else ""

    def word_after(self, position: int) -> str:
        """Return the word after a position, in lower case."""
        found = words.split(self.text[position : position + 40])
        return found[0] if found else ""

    def _without_starter(self, match: re.Match[str]) -> Span | None:
        start, value = match.start(), match.group()
        while value:
            first, _, rest = value.partition(" ")
            plain = first.lower().rstrip(",.")
            if plain not in _STARTERS and plain not in words.STOP_WORDS:
                break
            start += len(value) - len(rest)
            value = rest.lstrip()
        value = value.rstrip(".-\u2019") if not re.search(r"\b[A-Z]\.$", value) else value
        if not value or not value[0].isupper():
            return None
        if re.match(r"\s*(?:tool|function|API)s?\b", self.text[match.end() :]):
            return None
        return Span(value, start, start + len(value))


def split_sentences(text: str) -> list[str]:
    """Split a text at line ends and after sentences; abbreviations and initials do not end one."""
    found: list[str] = []
    for line in text.splitlines():
        pieces = re.split(
            r"(?<=[.!?。\uff01\uff1f])(?<!\b[A-Z]\.)(?<!\b(?:Dr|Mr|Ms|St|No|vs)\.)(?<!Mrs\.)(?<!e\.g\.)(?<!i\.e\.)\s+",
            line,
        )
        found += [piece.strip() for piece in pieces if piece.strip()]
    return found


def _spans(text: str, patterns: Sequence[re.Pattern[str]]) -> list[tuple[int, int]]:
    return [match.span() for pattern in patterns for match in pattern.finditer(text)]


def _inside(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in spans)


def _at_line_start(text: str, position: int) -> bool:
    return not text[text.rfind("\n", 0, position) + 1 : position].strip(" \"'*-•")


def _is_calendar(value: str) -> bool:
    return value in _MONTHS or value in _WEEKDAYS


def _iso(match: re.Match[str]) -> str | None:
    year, month, day, name, day2, year2, day3, name3, year3, first, second, year4 = match.groups()
    if year:
        return f"{year}-{month}-{day}"
    if name or name3:
        number = next(i for i, full in enumerate(_MONTHS, 1) if full.startswith((name or name3)[:3]))
        return f"{year2 or year3}-{number:02d}-{int(day2 or day3):02d}"
    low, high = int(first), int(second)
    if low > 12:
        low, high = high, low
    return f"{year4}-{low:02d}-{high:02d}" if low <= 12 and high <= 31 else None


def segments(text: str) -> Iterator[str]:
    """Yield the parts of a text that may each describe one thing: list items, lines, sentences."""
    for sentence in split_sentences(text):
        for part in _BETWEEN_COUNTED.split(sentence):
            yield part.strip().lstrip("-*• ").strip()
