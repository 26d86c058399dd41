"""The live parts of all chapters under the kernels of other CPUs, and with one thread and two: each must pass.

In the smallest profile the whole book of `site` is built under AVX2's kernels with one thread, and the machine's own
kernels run in `smoke_records`; what is left for this file are plain kernels, with two threads, for an experiment of
each paper. `make portability` runs every setting and every experiment in the book profile.
"""

import os
import re
import subprocess
import sys

import pytest

from helpers import AVX2, PLAIN, ROOT
from reversible.book.execute import chapters, code_cells
from reversible.papers import EXPERIMENTS, paper_of, papers
from reversible.records.record import book_folder

PROFILE = os.environ.get("REVERSIBLE_PORTABILITY", "smoke")
SETTINGS = {"plain, 2 threads": {**PLAIN, "OMP_NUM_THREADS": "2"}}
if PROFILE != "smoke":
    SETTINGS |= {
        "as it is, 1 thread": {"OMP_NUM_THREADS": "1"},
        "as it is, 2 threads": {"OMP_NUM_THREADS": "2"},
        "avx2, 1 thread": {**AVX2, "OMP_NUM_THREADS": "1"},
        "plain, 1 thread": {**PLAIN, "OMP_NUM_THREADS": "1"},
        "avx2, 2 threads": {**AVX2, "OMP_NUM_THREADS": "2"},
    }

# Each chapter with an experiment that it runs.
LIVE = [
    f"{name}/{experiment}"
    for name in chapters(book_folder())
    for experiment in re.findall(r'chapter\.live\(\s*"([^"]+)"', "\n".join(code_cells(book_folder(), name)))
]
# The last of a paper: its first are often laws, which round less than training does.
OF_EACH_PAPER = list({paper_of(place.split("/")[1]).key: place for place in LIVE}.values())
ASKED = OF_EACH_PAPER if PROFILE == "smoke" else LIVE
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
    done = subprocess.run(
        [sys.executable, "-c", RUN, PROFILE, *ASKED],
        cwd=ROOT,
        env={**clean, **SETTINGS[setting]},
        capture_output=True,
        text=True,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:-1] == [f"passed {place}" for place in ASKED]
    for name, value in PLAIN.items():
        if name.startswith("MKL") and SETTINGS[setting].get(name) == value:
            assert f"{name}={value}" in done.stdout  # the setting was in force


def test_every_paper_is_run():
    assert len(LIVE) == len(set(LIVE)) >= 31
    assert {place.split("/")[1] for place in OF_EACH_PAPER} <= set(EXPERIMENTS)
    assert len(OF_EACH_PAPER) == len(papers())
