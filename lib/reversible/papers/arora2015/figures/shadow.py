"""Images, and what a net in training makes of them."""

from __future__ import annotations

from reversible import data
from reversible.nets.reversal import compare
from reversible.show.drawing import image_rows, show
from reversible.show.html import Shown
from reversible.training.config import Training
from reversible.training.run import Run
from reversible.training.synthetic import Generation, Shadow


def shadow_pictures(count: int = 6) -> Shown:
    """Training images and what a net in training makes of them, from each layer; MNIST if at hand, else digits."""
    try:
        images, p = data.load("mnist", train=True), _pictured("mnist", (400, 400, 400))
    except data.NotAtHand:
        images, p = data.load("digits", train=True), _pictured("digits", (100, 100, 100))
    run, x = Run(p), images.take(slice(count)).scaled()[None]
    lines = [("images", x[0])]
    steps = (0, p.steps // 10, p.steps)
    for step in steps:
        run.advance(step)
        for source in (1, 2, 3):
            make = Generation.of(Shadow(source=source), run.stack.net, images.side, False, [])
            lines.append((f"h{source}, {step} steps", make(run.stack.net, x, [])[0]))
    before, after = (float(compare(x[0], lines[place][1]).cosine.mean()) for place in (2, -2))
    return show(
        image_rows([(label, shown.numpy()) for label, shown in lines], images.side, vmax=1),
        f"Rows of {count} images: training images, then the synthetic ones that a net makes of them from its layers "
        f"h1, h2 and h3 after {', '.join(map(str, steps))} steps of training. They get clearer from row to row.",
        f"Images (top row) and their synthetic ones, from each layer of a net before training, early in it and after "
        f"{p.steps} steps. From h2 their mean cosine with the images is {before:.2f} before training and {after:.2f} "
        f"after it.",
    )


def _pictured(name: str, hidden: tuple[int, ...]) -> Training:
    return Training(
        data=name, hidden=hidden, images=1000, steps=300, lr=0.03, batch=100, seeds=(0,), shadow=Shadow(source=3)
    )
