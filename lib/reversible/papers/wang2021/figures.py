"""Figures of the chapter on residual nets."""

from __future__ import annotations

FIGURES: dict[str, object] = {}
