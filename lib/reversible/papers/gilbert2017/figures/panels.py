"""What this paper's figures share: single panels that stand side by side or below each other, and a caption."""

from __future__ import annotations

from collections.abc import Iterable

from reversible.show.drawing import show
from reversible.show.html import Shown, escape


def together(drawn: Iterable[tuple], caption: str) -> Shown:
    """Panels, each a drawing with its alt text, and a caption that says what to see."""
    images = "".join(show(figure, alt).content for figure, alt in drawn)
    return Shown(f"<figure>{images}<figcaption>{escape(caption)}</figcaption></figure>")
