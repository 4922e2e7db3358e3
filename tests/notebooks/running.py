"""Execute notebooks in the interpreter that runs this, whatever kernels the machine has."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
_ABSOLUTE_PATH = re.compile(r"(?:^|[\s'\"(])(?:/(?:home|root|tmp|usr|var|opt|Users|private)/|[A-Z]:\\)")


class ThisInterpreter(AsyncKernelManager):
    """A kernel of the running interpreter."""

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=40"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")


def executed(path: Path, timeout: int = 50) -> Any:
    """A notebook with fresh outputs. A cell that fails raises."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_manager_class=ThisInterpreter,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUMLOOP_")}
    client.execute(env=environment)
    return notebook


def texts(notebook: Any) -> list[str]:
    """All text that a notebook's cells have put out."""
    shown: list[str] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text" in output:
                shown.append(output["text"])
            shown += [value for value in output.get("data", {}).values() if isinstance(value, str)]
    return shown


def absolute_paths(notebook: Any) -> list[str]:
    """Outputs that show a path of the machine that they come from."""
    return [text for text in texts(notebook) if _ABSOLUTE_PATH.search(text)]


def main() -> None:
    """Execute all notebooks, or those named, and keep their outputs."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
