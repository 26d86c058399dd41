"""The live parts of all chapters under the kernels of other CPUs, and with one thread and two: each must pass.

In the smallest profile, where the machine's own kernels with one thread are seen to by the whole book of `site`.
`make portability` runs every setting in the book profile.
"""

import os
import subprocess
import sys

import pytest

from helpers import ROOT

PROFILE = os.environ.get("REVERSIBLE_PORTABILITY", "smoke")
PLAIN = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "MKL_CBWR": "COMPATIBLE"}
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
SETTINGS = {
    "avx2, 2 threads": {**AVX2, "OMP_NUM_THREADS": "2"},
    "plain, 1 thread": {**PLAIN, "OMP_NUM_THREADS": "1"},
}
if PROFILE != "smoke":
    SETTINGS |= {
        "as it is, 1 thread": {"OMP_NUM_THREADS": "1"},
        "as it is, 2 threads": {"OMP_NUM_THREADS": "2"},
        "avx2, 1 thread": {**AVX2, "OMP_NUM_THREADS": "1"},
        "plain, 2 threads": {**PLAIN, "OMP_NUM_THREADS": "2"},
    }

LIVE = """
import re, sys, warnings
from reversible.base.arithmetic import here
from reversible.book.execute import chapters, code_cells
from reversible.book.chapter import begin
from reversible.records.record import book_folder

failed = 0
for name in chapters(book_folder()):
    called = re.findall(r'chapter\\.live\\(\\s*"([^"]+)"', "\\n".join(code_cells(book_folder(), name)))
    chapter = begin({"profile": sys.argv[1]}, name)
    for experiment in called:
        try:
            chapter.live(experiment)
            print("passed", experiment, flush=True)
        except AssertionError as error:
            failed += 1
            print("FAILED", error, flush=True)
print(here())
sys.exit(failed > 0)
"""


@pytest.mark.parametrize("setting", SETTINGS)
def test_live_parts_pass_under_other_kernels(setting):
    clean = {name: value for name, value in os.environ.items() if name not in PLAIN}
    done = subprocess.run(
        [sys.executable, "-c", LIVE, PROFILE],
        cwd=ROOT,
        env={**clean, **SETTINGS[setting]},
        capture_output=True,
        text=True,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed") >= 25
    for name, value in PLAIN.items():
        if name.startswith("MKL") and SETTINGS[setting].get(name) == value:
            assert f"{name}={value}" in done.stdout  # the setting was in force
