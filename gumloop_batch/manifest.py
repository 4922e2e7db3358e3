"""What an output folder says of its job, so that no other job's results get mixed into it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from gumloop_batch.errors import BatchOutputError, OtherJobError
from gumloop_batch.files import write_text

NAME = "_job.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """A job's marks.

    Attributes:
        schema: The columns of the output.
        key: The columns that tell rows apart; ``None`` for all of the input.
        task: What makes the task the one it is: readable facts by their names.
    """

    schema: pa.Schema
    key: list[str] | None
    task: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write it into a folder.

        Raises:
            OSError: If that cannot be done.
        """
        held = {
            "version": _VERSION,
            "key": self.key,
            "task": self.task,
            "columns": {field.name: str(field.type) for field in self.schema},  # for people
            "schema": base64.b64encode(self.schema.serialize()).decode(),
        }
        write_text(json.dumps(held, indent=2, ensure_ascii=False) + "\n", folder / NAME)

    def check(self, found: Manifest, folder: Path) -> None:
        """Make sure that a folder's manifest is this job's.

        Raises:
            OtherJobError: If it is another's.
        """
        if found.key != self.key:
            raise _other(folder, f"its key is {_key(found.key)}, and not {_key(self.key)}")
        if not found.schema.equals(self.schema):
            raise _other(folder, _columns(found.schema, self.schema))
        task = json.loads(json.dumps(self.task))
        differing = [name for name in {**found.task, **task} if found.task.get(name) != task.get(name)]
        if differing:
            raise _other(folder, f"its task has another {' and another '.join(differing)}")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, ``None`` if it has none.

    Raises:
        BatchOutputError: If it cannot be read.
    """
    path = folder / NAME
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        schema = pyarrow.ipc.read_schema(pa.py_buffer(base64.b64decode(held["schema"])))
        if held["version"] != _VERSION:
            raise ValueError(f"it is of version {held['version']}, not {_VERSION}")
        return Manifest(schema, held["key"], held["task"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise BatchOutputError(f"{path} cannot be read: {error}. Give another folder.") from error


def _other(folder: Path, what: str) -> OtherJobError:
    return OtherJobError(
        f"{folder} holds the results of another job: {what}. Give another folder, "
        f"or job= a name of your own in both runs if it is the same job all the same."
    )


def _key(key: list[str] | None) -> str:
    return "the whole row" if key is None else ", ".join(key)


def _columns(found: pa.Schema, wanted: pa.Schema) -> str:
    theirs = {field.name: str(field.type) for field in found}
    ours = {field.name: str(field.type) for field in wanted}
    if gone := [name for name in theirs if name not in ours]:
        return f"it has the columns {', '.join(gone)}, which this one has not"
    if new := [name for name in ours if name not in theirs]:
        return f"it has no columns {', '.join(new)}"
    for name, kind in ours.items():
        if theirs[name] != kind:
            return f"its column {name} is of the type {theirs[name]}, and not {kind}"
    return "its columns come in another order"
