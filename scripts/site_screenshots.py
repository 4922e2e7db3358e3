"""Pictures of the built site to look at: some pages, wide and narrow, light and dark, in headless Chromium.

    make site && python scripts/site_screenshots.py

They are written to `build/screenshots`. Needs `chromium` on the path, so no test runs this.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
PICTURES = ROOT / "build" / "screenshots"
PAGES = ["", "langchain/", "llama-index/", "api/langchain/", "cookbook/hand-off/"]
WIDTHS = (1280, 390)
SCHEMES = {"light": 1, "dark": 0}  # Chromium's numbers for what the reader prefers
CHROMIUM = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=4000",  # time for the page's scripts
]
SECONDS = 120


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def take(address: str, picture: Path, width: int, height: int, scheme: int) -> None:
    """Take one picture, with a profile of its own: the page keeps its scheme in it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(chromium, *CHROMIUM, *as_root, f"--user-data-dir={profile}"),
                f"--blink-settings=preferredColorScheme={scheme}",
                *(f"--window-size={width},{height}", f"--screenshot={picture}", address),
            ],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )


def main() -> None:
    """Take them all."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    arguments.add_argument("pages", nargs="*", default=PAGES, help="such as cookbook/hand-off/")
    arguments.add_argument("--height", type=int, default=1400, help="pixels; how far down a picture reaches")
    wanted = arguments.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in wanted.pages:
            for width in WIDTHS:
                for name, scheme in SCHEMES.items():
                    picture = PICTURES / f"{page.strip('/').replace('/', '-') or 'home'}-{width}-{name}.png"
                    take(f"http://127.0.0.1:{server.server_port}/{page}", picture, width, wanted.height, scheme)
                    print(picture.relative_to(ROOT))
        server.shutdown()


if __name__ == "__main__":
    main()
