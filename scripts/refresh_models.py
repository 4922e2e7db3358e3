"""Write ``gumloop_core/models.json``: what is known of each model, from the data that well-kept packages carry.

Three kinds of source:

- The profiles of LangChain's integrations: models.dev's figures (MIT). Those of langchain-openrouter are taken as they
  are, a row for each slug; those of the vendors' own integrations give the rows of the vendors' own ids.
- litellm's model map (MIT) fills what they leave open of a vendor's own ids, and adds ids that they do not have.
- genai-prices (MIT) has a window for many more ids, older ones too. Its other names of a model are not taken: they are
  names that cost the same, which says nothing of limits.

``make models`` runs it where the pinned packages are installed. ``--check`` writes nothing and fails if the file would
change; ``--differences`` lists where the sources disagree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from model_sources import PACKAGES, ROUTED_PROFILES, VENDOR_PROFILES, Sources, read_sources

FILE = Path(__file__).resolve().parents[1] / "gumloop_core" / "models.json"

LIMITS = ("context_window", "max_input_tokens", "max_output_tokens")
ABILITIES = (
    "image_input",
    "pdf_input",
    "audio_input",
    "image_output",
    "reasoning",
    "tool_calling",
    "structured_output",
)
FIELDS = (*LIMITS, *ABILITIES)
_OF_THE_MODEL = frozenset(ABILITIES) - {"structured_output"}
"""What is the same whoever serves a model; of the rest, a vendor's own word comes before that of a route to it."""

Facts: TypeAlias = "dict[str, int | bool]"
"""What is known of a model, by the names in ``FIELDS``; a missing one is not known."""

# Providers that are the vendors themselves, under the name that OpenRouter's slugs begin with.
_LITELLM_VENDORS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "gemini": "google",
    "xai": "x-ai",
    "deepseek": "deepseek",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "zai": "z-ai",
    "minimax": "minimax",
    "cohere_chat": "cohere",
    "perplexity": "perplexity",
}
_GENAI_PRICES_VENDORS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "google": "google",
    "x-ai": "x-ai",
    "deepseek": "deepseek",
    "mistral": "mistralai",
    "moonshotai": "moonshotai",
    "zai": "z-ai",
    "minimax": "minimax",
    "cohere": "cohere",
    "perplexity": "perplexity",
}
_PROFILE_FIELDS = {
    "max_input_tokens": "context_window",
    "max_output_tokens": "max_output_tokens",
    "image_inputs": "image_input",
    "pdf_inputs": "pdf_input",
    "audio_inputs": "audio_input",
    "image_outputs": "image_output",
    "reasoning_output": "reasoning",
    "tool_calling": "tool_calling",
    "structured_output": "structured_output",
}
_LITELLM_FIELDS = {
    "max_input_tokens": "context_window",
    "max_output_tokens": "max_output_tokens",
    "supports_vision": "image_input",
    "supports_pdf_input": "pdf_input",
    "supports_audio_input": "audio_input",
    "supports_reasoning": "reasoning",
    "supports_function_calling": "tool_calling",
    "supports_response_schema": "structured_output",
}
_LITELLM_MODES = ("chat", "responses", "image_generation")
_DATE = re.compile(r"[-@](?:20\d\d-?[01]\d-?[0-3]\d|[01]\d-20\d\d)$")
_NO_CHAT_MODEL = re.compile(r"embed|ocr|tts|transcribe|realtime|\blive\b|moderation|decider|imagen|^ft:")

# Named by the endpoint's reference page, and by none of the sources.
_OTHERS: dict[str, dict[str, Facts]] = {"openai": {"dall-e-3": {"image_output": True, "tool_calling": False}}}


class Table(NamedTuple):
    """What is written.

    Attributes:
        routed: The rows of OpenRouter's slugs, ``vendor/model``.
        native: The rows of the vendors' own ids, by vendor.
    """

    routed: dict[str, Facts]
    native: dict[str, dict[str, Facts]]


class Difference(NamedTuple):
    """Where a source says something else than what was taken."""

    model: str
    field: str
    taken: int | bool
    said: int | bool
    source: str


# -- one table of them -----------------------------------------------------------------------------------------------


def table_of(sources: Sources) -> tuple[Table, list[Difference]]:
    """Make the table, and note where the sources disagree."""
    differences: list[Difference] = []
    routed = {slug: _from_profile(row) for slug, row in sources.profiles[ROUTED_PROFILES].items()}
    by_spelling = {spelled(slug): facts for slug, facts in routed.items()}
    native: dict[str, dict[str, Facts]] = {}
    for vendor, source, name, facts in _native_facts(sources):
        rows = native.setdefault(vendor, {})
        known = rows.setdefault(_kept_name(rows, name), {})
        if source not in VENDOR_PROFILES:
            route = by_spelling.get(spelled(f"{vendor}/{name}"), {})
            _fill(known, {fact: value for fact, value in route.items() if fact in _OF_THE_MODEL}, "", "")
        differences += _fill(known, facts, f"{vendor}/{name}", source)
    owners = {spelled(slug.rpartition("/")[2]): spelled(slug.partition("/")[0]) for slug in routed}
    for vendor, rows in native.items():
        for name in [name for name in rows if owners.get(spelled(name), vendor) != vendor]:
            del rows[name]  # another vendor's model that this one serves too
        for name in [name for name in rows if _is_a_snapshot(name, rows)]:
            del rows[name]
        for name, facts in rows.items():
            route = by_spelling.get(spelled(f"{vendor}/{name}"), {})
            _split_window(facts, route, sources.windows, vendor, name)
            differences += _fill(facts, route, f"{vendor}/{name}", ROUTED_PROFILES)
    for slug, window in sources.windows.get("openrouter", {}).items():
        if spelled(slug) not in by_spelling and "/" in slug and not _NO_CHAT_MODEL.search(slug):
            vendor, _, name = slug.partition("/")
            own = {spelled(name): facts for name, facts in native.get(vendor, {}).items()}.get(spelled(name), {})
            same = by_spelling.get(spelled(slug.partition(":")[0]), own)
            routed[slug] = {
                "context_window": window,
                **{key: same[key] for key in ABILITIES if key in _OF_THE_MODEL & same.keys()},
            }
    native = {vendor: {name: row for name, row in rows.items() if row} for vendor, rows in native.items()}
    return Table(routed, native), _standing(differences, native)


def _standing(differences: list[Difference], native: Mapping[str, Mapping[str, Facts]]) -> list[Difference]:
    """The differences that are still there, once a window was told from a prompt's limit and all rows are in place."""
    rows = {f"{vendor}/{spelled(name)}": row for vendor, own in native.items() for name, row in own.items()}
    standing = set()
    for each in differences:
        vendor, _, name = each.model.partition("/")
        row = rows.get(f"{vendor}/{spelled(name)}", {})
        limits = (row.get("context_window"), row.get("max_input_tokens"))
        if row and each.said != row[each.field] and not (each.field == "context_window" and each.said in limits):
            standing.add(each._replace(taken=row[each.field]))
    return sorted(standing)


def spelled(name: str) -> str:
    """A name as names are compared, which is how ``gumloop_core.model_names`` does it."""
    return name.lower().lstrip("~").replace(".", "-").replace("@", "-")


def _native_facts(sources: Sources) -> Iterator[tuple[str, str, str, Facts]]:
    """What is said of the vendors' own ids, from the source that is trusted most to the one that is least."""
    for package, vendor in VENDOR_PROFILES.items():
        for name, row in sources.profiles[package].items():
            if not _NO_CHAT_MODEL.search(name):
                yield vendor, package, name, _from_profile(row)
    for vendor, rows in _OTHERS.items():
        for name, facts in rows.items():
            yield vendor, "reference page", name, dict(facts)
    for key, row in sources.litellm.items():
        owner = _LITELLM_VENDORS.get(str(row.get("litellm_provider")))
        name = key.removeprefix(f"{row.get('litellm_provider')}/")
        if owner and row.get("mode") in _LITELLM_MODES and "/" not in name and not _NO_CHAT_MODEL.search(name):
            yield owner, "litellm", name, _from_litellm(row)
    for provider, windows in sources.windows.items():
        owner = _GENAI_PRICES_VENDORS.get(provider)
        for name, window in windows.items():
            others = owner != "anthropic" and "claude" in name
            if owner and not others and "/" not in name and not _NO_CHAT_MODEL.search(name):
                yield owner, "genai-prices", name, {"context_window": window}


def _kept_name(rows: Mapping[str, Facts], name: str) -> str:
    if name in rows:
        return name
    return next((known for known in rows if spelled(known) == spelled(name)), name)


def _is_a_snapshot(name: str, rows: Mapping[str, Facts]) -> bool:
    """Whether a dated id is of a model that has a row without date, and answers as long.

    The sources describe the id without date more fully, and the date is left out when a name is looked up.
    """
    undated = rows.get(_kept_name(rows, _DATE.sub("", name)), {}) if _DATE.search(name) else {}
    length = rows[name].get("max_output_tokens")
    return bool(undated) and (length is None or length == undated.get("max_output_tokens"))


def _from_profile(row: Mapping[str, Any]) -> Facts:
    return {fact: row[field] for field, fact in _PROFILE_FIELDS.items() if _says(row.get(field))}


def _from_litellm(row: Mapping[str, Any]) -> Facts:
    facts = {fact: row[field] for field, fact in _LITELLM_FIELDS.items() if _says(row.get(field))}
    drawn = row.get("supported_output_modalities")
    if row.get("mode") == "image_generation" or isinstance(drawn, list):
        facts["image_output"] = not isinstance(drawn, list) or "image" in drawn
    return facts


def _says(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and value > 0)


def _fill(facts: Facts, others: Facts, model: str, source: str) -> list[Difference]:
    """Add what is not known yet, and return what is known otherwise."""
    found = []
    for field, value in others.items():
        known = facts.setdefault(field, value)
        if known != value:
            found.append(Difference(model, field, known, value, source))
    return found


def _split_window(facts: Facts, route: Facts, windows: Mapping[str, Mapping[str, int]], vendor: str, name: str) -> None:
    """Tell a prompt's limit from the window, where what is given for both adds up with the answer's limit."""
    prompt = facts.get("context_window")
    if prompt is None:
        return
    provider = next((provider for provider, owner in _GENAI_PRICES_VENDORS.items() if owner == vendor), "")
    answers = {facts.get("max_output_tokens"), route.get("max_output_tokens")} - {None}
    for window in (route.get("context_window"), windows.get(provider, {}).get(name)):
        if window is not None and window - prompt in answers:
            facts["context_window"], facts["max_input_tokens"] = window, prompt
            return


# -- the file --------------------------------------------------------------------------------------------------------


def written(table: Table, packages: Mapping[str, str], date: str) -> str:
    """The file's text: a row for each model, sorted."""
    sections = [
        '"routed": ' + _rows(table.routed, 2),
        '"native": {\n'
        + ",\n".join(f"    {json.dumps(vendor)}: {_rows(table.native[vendor], 4)}" for vendor in sorted(table.native))
        + "\n  }",
    ]
    head = {
        "source": "models.dev (MIT), litellm (MIT) and genai-prices (MIT), as the packages carry them; "
        "dall-e-3 from the endpoint's reference page. Written by scripts/refresh_models.py; do not edit.",
        "date": date,
        "packages": dict(packages),
        "digest": digest_of(sections),
        "fields": list(FIELDS),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    return "{\n  " + ",\n  ".join([*lines, *sections]) + "\n}\n"


def digest_of(sections: list[str]) -> str:
    """What tells whether rows were edited by hand."""
    return hashlib.sha256("\n".join(sections).encode()).hexdigest()


def _rows(models: Mapping[str, Facts], indent: int) -> str:
    space = " " * indent
    rows = [f"{space}  {json.dumps(name)}: {_row(models[name])}" for name in sorted(models)]
    return "{\n" + ",\n".join(rows) + f"\n{space}}}"


def _row(facts: Facts) -> str:
    """Numbers with commas between, in the order of ``FIELDS``.

    A text is read faster than a list, and of all rows one is looked at.
    """
    return json.dumps(",".join(str(int(facts[field])) if field in facts else "" for field in FIELDS))


def table_from(document: Mapping[str, Any]) -> Table:
    """The table that a file holds."""

    def facts(row: str) -> Facts:
        values = zip(FIELDS, row.split(","), strict=True)
        return {field: int(value) if field in LIMITS else value == "1" for field, value in values if value}

    native = {vendor: {name: facts(row) for name, row in rows.items()} for vendor, rows in document["native"].items()}
    return Table({slug: facts(row) for slug, row in document["routed"].items()}, native)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two files, a line for each model."""
    before, after = _flat(old), _flat(new)
    lines = [f"+ {name}" for name in sorted(after.keys() - before)]
    lines += [f"- {name}" for name in sorted(before.keys() - after)]
    for name in sorted(before.keys() & after):
        fields = zip(old.get("fields", ()), before[name].split(","), after[name].split(","), strict=False)
        changed = [f"{field} {was or 'unknown'} -> {now or 'unknown'}" for field, was, now in fields if was != now]
        if changed:
            lines.append(f"~ {name}: {', '.join(changed)}")
    return lines


def _flat(document: Mapping[str, Any]) -> dict[str, str]:
    native = document.get("native", {})
    own = {f"{name} ({vendor})": row for vendor, rows in native.items() for name, row in rows.items()}
    return {**document.get("routed", {}), **own}


def main(arguments: list[str]) -> int:
    """Write the file.

    Returns:
        The exit status: 1 if ``--check`` finds that the file would change.
    """
    parser = argparse.ArgumentParser(description="Write gumloop_core/models.json.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file would change")
    parser.add_argument("--differences", action="store_true", help="list where the sources disagree")
    options = parser.parse_args(arguments)
    table, differences = table_of(read_sources())
    packages = {package: distribution(package).version for package in PACKAGES}
    old_text = FILE.read_text(encoding="utf-8") if FILE.exists() else "{}"
    old = json.loads(old_text)
    text = written(table, packages, str(old.get("date", "")))
    if text != old_text:
        text = written(table, packages, datetime.now(UTC).date().isoformat())
    lines = changes(old, json.loads(text))
    print(*lines, sep="\n", end="\n" if lines else "")
    if options.differences:
        for each in differences:
            print(f"{each.model}: {each.field} {each.taken}, where {each.source} says {each.said}")
    own = sum(map(len, table.native.values()))
    print(f"{len(table.routed)} routed and {own} native models; {len(lines)} changed; {len(differences)} differences")
    if text == old_text:
        return 0
    if options.check:
        print("models.json would change: run make models")
        return 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
