"""Several threads or processes that do the same thing at the same moment"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, connections

ROOT = Path(__file__).resolve().parents[2]


def race(*runners: Callable[[], Any]) -> list[Any]:
    """What each runner returned, or the exception it raised; all start at once, each with a connection of its own."""
    results: list[Any] = [None] * len(runners)
    start = threading.Barrier(len(runners))

    def run(index: int) -> None:
        try:
            start.wait(30)
            results[index] = runners[index]()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(runners))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def child_environ(**more: str) -> dict[str, str]:
    """The environment of another process on this test's database."""
    here = connection.settings_dict
    database = f"sqlite:{here['NAME']}"
    if connection.vendor == "postgresql":
        database = f"postgresql://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT']}/{here['NAME']}"
    own = {"DEMO": "true", "DJANGO_SETTINGS_MODULE": "infra.settings", "DATABASE_URL": database}
    return os.environ | own | more


def run_processes(script: str, number: int, **environ: str) -> Sequence[str]:
    """What each of `number` Python processes printed that ran `script` on this test's database, started as one.

    The script gets everything ready, then waits for a line on its standard input.
    """
    command = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env=child_environ(**environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * number
    return answers
