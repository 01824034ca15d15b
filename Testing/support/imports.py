"""What modules bring in when they are imported, seen in a fresh process."""

import os
import subprocess
import sys
from pathlib import Path

IMPORT_EACH = """
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
    for unwanted in set({unwanted!r}) & set(sys.modules):
        print(name, unwanted)
        del sys.modules[unwanted]
"""


def unwanted_imports(folder: Path, modules: list[str], unwanted: tuple[str, ...]) -> list[str]:
    """Lines "module unwanted": what each of modules, imported one by one in a fresh process, brings in."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    script = IMPORT_EACH.format(modules=modules, unwanted=unwanted)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
