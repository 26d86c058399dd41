"""The live parts of all chapters under the kernels of other CPUs, and with one thread and two: each must pass.

In the smallest profile the whole book of `site` is built under plain kernels with one thread, and the machine's own
kernels run in `smoke_records`; what is left for this file are the kernels between, with two threads. `make portability`
runs every setting in the book profile.
"""

import os
import re
import subprocess
import sys

import pytest

from helpers import PLAIN, ROOT
from reversible.book.execute import chapters, code_cells
from reversible.records.record import book_folder

PROFILE = os.environ.get("REVERSIBLE_PORTABILITY", "smoke")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
SETTINGS = {"avx2, 2 threads": {**AVX2, "OMP_NUM_THREADS": "2"}}
if PROFILE != "smoke":
    SETTINGS |= {
        "as it is, 1 thread": {"OMP_NUM_THREADS": "1"},
        "as it is, 2 threads": {"OMP_NUM_THREADS": "2"},
        "avx2, 1 thread": {**AVX2, "OMP_NUM_THREADS": "1"},
        "plain, 1 thread": {**PLAIN, "OMP_NUM_THREADS": "1"},
        "plain, 2 threads": {**PLAIN, "OMP_NUM_THREADS": "2"},
    }

# Slow laws and simulations, which the smoke profile leaves out here. Quick ones by the same code are there.
SLOW = (
    "unbiased-inference", "theorem-2-3", "theorem-3-1", "theorem-3-2", "depth-law", "stacked-offsets", "reversal-map",
    "law-grid",
)  # fmt: skip
LEFT_OUT = SLOW if PROFILE == "smoke" else ()

# Each chapter with an experiment that it runs.
LIVE = [
    f"{name}/{experiment}"
    for name in chapters(book_folder())
    for experiment in re.findall(r'chapter\.live\(\s*"([^"]+)"', "\n".join(code_cells(book_folder(), name)))
]
RUN = """
import sys
from reversible.base.arithmetic import here
from reversible.book.chapter import begin

profile, *live = sys.argv[1:]
for place in live:
    name, experiment = place.split("/")
    try:
        begin({"profile": profile}, name).live(experiment)
        print("passed", place, flush=True)
    except AssertionError as error:
        print("FAILED", error, flush=True)
print(here())
"""


@pytest.mark.parametrize("setting", SETTINGS)
def test_live_parts_pass_under_other_kernels(setting):
    clean = {name: value for name, value in os.environ.items() if name not in PLAIN}
    places = [place for place in LIVE if place.split("/")[1] not in LEFT_OUT]
    done = subprocess.run(
        [sys.executable, "-c", RUN, PROFILE, *places],
        cwd=ROOT,
        env={**clean, **SETTINGS[setting]},
        capture_output=True,
        text=True,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:-1] == [f"passed {place}" for place in places]
    for name, value in PLAIN.items():
        if name.startswith("MKL") and SETTINGS[setting].get(name) == value:
            assert f"{name}={value}" in done.stdout  # the setting was in force


def test_what_is_left_out_is_run_in_chapters():
    assert len(LIVE) == len(set(LIVE)) >= 31
    assert set(LEFT_OUT) < {place.split("/")[1] for place in LIVE}
