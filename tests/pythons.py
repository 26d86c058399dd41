"""Every Python at hand, for what must not hang on one."""

import ast
import functools
import shutil
import subprocess
import sys
from pathlib import Path


@functools.cache
def pythons():
    """Version -> command of each Python from 3.11 on that is on the PATH or beside this one."""
    names = [f"python3.{minor}" for minor in range(11, 20)]
    beside = [str(file) for file in Path(sys.base_prefix).parent.glob("*3.1*/bin/python3")]
    found = {}
    for command in filter(None, map(shutil.which, (*names, *beside))):
        asked = [command, "-c", "import sys; print(sys.version_info[:2])"]
        version = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
        if version and ast.literal_eval(version) >= (3, 11):  # a shim may lead nowhere
            found[version] = command
    return {str(sys.version_info[:2]): sys.executable} | found
