"""The kind of arithmetic that numbers are made by: what rounding hangs on beside the versions of the libraries.

Two runs of the same cells by the same code agree to the bit where their kinds are the same. Elsewhere sums are taken
in another order, so that results differ in their last digits, and training amplifies that.
"""

from __future__ import annotations

import functools
import os
import platform
import re
from pathlib import Path

# Variables that choose kernels and leave no other trace; ATEN_CPU_CAPABILITY and OPENBLAS_CORETYPE are seen by effect.
CHOOSES_KERNELS = ("MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "NPY_DISABLE_CPU_FEATURES",
                   "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # fmt: skip


@functools.cache
def arithmetic() -> dict[str, str]:
    """CPU model, instruction set in use, BLAS with its version and threads, and settings that choose kernels, in words.

    Of this process as it stands at the first call; on a GPU these are the host's.
    """
    import scipy.linalg  # noqa: F401 - brings the BLAS that it is built with, and numpy's
    import torch
    from threadpoolctl import threadpool_info

    mkl = re.search(r"Math Kernel Library Version (\S+?)-", torch.__config__.show())
    blas = {f"MKL {mkl[1]}"} if mkl else set()
    for found in threadpool_info():
        if found["user_api"] == "blas":
            names = (found["internal_api"], found["version"], found.get("architecture"))
            threads = found["num_threads"]
            blas.add(" ".join(str(n) for n in names if n) + f" on {threads} thread{'s' * (threads > 1)}")
    return {
        "cpu": cpu_model(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "blas": "; ".join(sorted(blas)),
        "settings": " ".join(f"{name}={os.environ[name]}" for name in CHOOSES_KERNELS if name in os.environ),
    }


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, on Linux with its family, model and stepping, for a hypervisor may hide all but "EPYC"."""
    try:
        first = cpuinfo.read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        first = ""
    fields = dict(re.findall(r"^([^\t:]+)\t*: (.+)$", first, re.MULTILINE))
    name = fields.get("model name") or platform.processor() or platform.machine()
    told = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU revision")
    marks = ", ".join(f"{part.removeprefix('cpu ')} {fields[part]}" for part in told if part in fields)
    return f"{name} ({marks})" if marks else name


def in_words(kind: dict[str, str]) -> str:
    """A kind of arithmetic in a few words, for a line."""
    settings = f", {kind['settings']}" if kind["settings"] else ""
    return f"{kind['cpu']}, {kind['instructions']}{settings}"


def here() -> str:
    """The kind of this process, as `in_words` tells it."""
    return in_words(arithmetic())
