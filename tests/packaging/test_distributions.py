"""The three distributions: one version, what an index shows of them, and each alone in a fresh environment."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from trove_classifiers import classifiers
from twine.commands.check import check

from gumloop_core.version import __version__
from tests.packaging.distributions import FOLDERS, ROOT, build_source, build_wheel, project_file, wheel_metadata
from tests.support.fresh_environment import fresh_environment, install

REPOSITORY = "https://github.com/gumloop/gumloop-llms"
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]*)\)")

CORE = """
import importlib.util
from gumloop_core import ClientSettings, Credentials, Endpoint, GumloopClient
from gumloop_emulator import Emulator

assert importlib.util.find_spec("langchain_core") is None and importlib.util.find_spec("llama_index") is None
with Emulator() as server:
    server.reply("Ottawa.")
    endpoint = Endpoint.resolve(server.base_url)
    credentials = Credentials(api_key=server.api_key, user_id=server.user_id)
    client = GumloopClient(ClientSettings(endpoint=endpoint, credentials=credentials))
    print(client.complete({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Capital?"}]}).text)
    client.close()
"""
OF_ITS_README = """
import importlib.util, os, sys
from gumloop_emulator import Emulator

assert importlib.util.find_spec(sys.argv[2]) is None
with Emulator() as server:
    server.reply("Ottawa.")
    os.environ["GUMLOOP_BASE_URL"] = server.base_url
    os.environ.update(GUMLOOP_API_KEY=server.api_key, GUMLOOP_USER_ID=server.user_id)
    exec(sys.argv[1])
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheels")
    for name in FOLDERS:
        build_wheel(name, place)
    return place


def _wheel(wheels: Path, name: str) -> Path:
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


def _run_alone(tmp_path: Path, wheels: Path, name: str, extra: str | None, *program: str) -> str:
    """Install a wheel in an environment that has only what it requires, and run a program there."""
    core = project_file("gumloop-llms")["project"]
    required = core["dependencies"] + (core["optional-dependencies"][extra] if extra else [])
    python = fresh_environment(tmp_path / "fresh", required)
    install(python, wheels, name)
    run = subprocess.run([python, "-I", "-c", *program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.timeout(240)  # some seconds; more where several test runs share a machine
def test_the_code_works_with_what_it_requires_alone(tmp_path: Path, wheels: Path) -> None:
    assert _run_alone(tmp_path, wheels, "gumloop-llms", None, CORE) == "Ottawa.\n"


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("name", "extra", "other_framework"),
    [
        ("langchain-gumloop", "langchain", "llama_index"),
        ("llama-index-llms-gumloop", "llama-index", "langchain_core"),
    ],
)
def test_a_name_brings_all_that_its_readme_uses(
    tmp_path: Path, wheels: Path, name: str, extra: str, other_framework: str
) -> None:
    (program,) = re.findall(
        r"```python\n(.*?)```", (FOLDERS[name] / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert _run_alone(tmp_path, wheels, name, extra, OF_ITS_README, program, other_framework) == "Ottawa.\n"


@pytest.mark.parametrize("name", FOLDERS)
def test_an_index_takes_it_and_shows_it_whole(tmp_path: Path, wheels: Path, name: str) -> None:
    built = [str(_wheel(wheels, name)), str(build_source(name, tmp_path))]
    assert check(built, strict=True) is False  # whether something failed
    metadata = wheel_metadata(_wheel(wheels, name))
    assert metadata["Version"] == __version__
    assert set(metadata.get_all("Classifier", [])) <= classifiers
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    assert "gumloop" in metadata["Keywords"].split(",")


@pytest.mark.parametrize("name", FOLDERS)
def test_what_its_description_points_at_is_absolute_and_is_there(wheels: Path, name: str) -> None:
    description = str(wheel_metadata(_wheel(wheels, name)).get_payload())
    found = LINK.findall(description)
    assert found
    assert [target for _, target in found if not target.startswith("https://")] == []
    raw = REPOSITORY.replace("github.com", "raw.githubusercontent.com")
    ours = re.compile(rf"{REPOSITORY}/blob/(?:v{re.escape(__version__)}|main)/([^#]+)|{raw}/v[^/]+/(.+)")
    files = [match[1] or match[2] for _, target in found if (match := ours.match(target))]
    assert "CHANGELOG.md" in files
    assert [file for file in files if not (ROOT / file).is_file()] == []
    pictures = [target for mark, target in found if mark]
    assert [target for target in pictures if not target.startswith(raw)] == []


def test_the_readme_keeps_its_picture(wheels: Path) -> None:
    text = str(wheel_metadata(_wheel(wheels, "gumloop-llms")).get_payload())
    assert f"v{__version__}/docs/performance.svg)" in text


@pytest.mark.parametrize(
    ("name", "extra"), [("langchain-gumloop", "langchain"), ("llama-index-llms-gumloop", "llama-index")]
)
def test_a_name_requires_the_code_of_its_own_version(name: str, extra: str) -> None:
    """The version is written in each pyproject.toml, so that a source distribution can be built by itself."""
    written = project_file(name)["project"]
    code = project_file("gumloop-llms")["project"]
    assert written["version"] == __version__
    assert written["dependencies"] == [f"gumloop-llms[{extra}]=={__version__}"]
    assert extra in code["optional-dependencies"]
    assert written["requires-python"] == code["requires-python"]
    assert set(written["classifiers"]) <= set(code["classifiers"])
    assert (FOLDERS[name] / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_llama_hub_is_told_what_to_import() -> None:
    hub = tomllib.loads((FOLDERS["llama-index-llms-gumloop"] / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "llamahub"
    ]
    assert hub["import_path"] == "llama_index.llms.gumloop"
    assert list(hub["class_authors"]) == ["Gumloop"]
