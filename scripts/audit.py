"""Look the locked versions up in a database of known vulnerabilities, where one can be reached.

Fails if a locked version is known to be vulnerable. Where no database answers, it says so and passes: a machine
without that access must still be able to run the checks.
"""

from __future__ import annotations

import json
import subprocess
import sys

SECONDS = 180


def main(lock_file: str) -> int:
    """Audit a lock file.

    Returns:
        The exit status: 1 if a version is vulnerable.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock_file, "--require-hashes", "--disable-pip"]
    try:
        run = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        dependencies = json.loads(run.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("audit: no vulnerability database could be reached; nothing was audited")
        return 0
    audited = [dependency for dependency in dependencies if "skip_reason" not in dependency]
    if not audited:
        print("audit: no vulnerability database could be reached; nothing was audited")
        return 0
    vulnerable = [dependency for dependency in audited if dependency["vulns"]]
    for dependency in vulnerable:
        known = ", ".join(vulnerability["id"] for vulnerability in dependency["vulns"])
        print(f"audit: {dependency['name']} {dependency['version']}: {known}")
    print(f"audit: {len(audited)} of {len(dependencies)} packages looked up, {len(vulnerable)} vulnerable")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
