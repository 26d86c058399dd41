"""The processor that a time was taken on: a time means nothing without it."""

from __future__ import annotations

import functools
import platform
import re
from pathlib import Path

import torch


@functools.cache
def cpu() -> str:
    """Its model, and the instructions that torch's kernels use on it, such as "AMD EPYC (AVX512)"."""
    listed = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", listed.read_text()) if listed.exists() else None
    model = named[1].strip() if named else platform.processor() or platform.machine()
    return f"{model} ({torch.backends.cpu.get_cpu_capability()})"
