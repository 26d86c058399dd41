"""What a step of iterative hard thresholding costs beside the two bare convolutions that it is made of.

    python benchmarks/iht.py [--size 56] [--channels 256] [--filters 256] [--batch 1] [--repeats 5]

The shape is that of VGG's third block of convolutions on a picture of 224 x 224. A step is one convolution up, one
transposed convolution down, and between them pooling, switches, unpooling and the cut to the k largest. Times are
ratios within one run: medians of interleaved repeats, on the same threads. Nothing here is a test.
"""

from __future__ import annotations

import argparse

import torch
from simulate import interleaved

from reversible.base.arithmetic import here
from reversible.nets.convolution import Convolution, project, step, unit_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("size", 56), ("channels", 256), ("filters", 256), ("batch", 1), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    words = parser.parse_args()
    generator = torch.Generator().manual_seed(0)
    filters = unit_rows(torch.randn(words.filters, words.channels, 3, 3, generator=generator))
    layer, size = Convolution(filters, padding=1), (words.size, words.size)
    x = torch.relu(torch.randn(words.batch, words.channels, *size, generator=generator))
    h = layer.up(x)
    z = project(h, None, (2, 2))
    k = z[0].numel() // 10

    bare, pooled, cut, whole = interleaved(
        [
            lambda: (layer.up(x), layer.down(z, size)),
            lambda: step(layer, x, z, lambda b: project(b, None, (2, 2))),
            lambda: step(layer, x, z, lambda b: project(b, k, (2, 2))),
            lambda: step(layer, x, z, lambda b: project(b, words.filters // 10)),
        ],
        words.repeats,
    )
    print(f"time of a step over that of its two bare convolutions, {1000 * bare:.0f} ms, on {here()}:")
    print(f"  pooling in 2 x 2, as in a net                    {pooled / bare:.2f}")
    print(f"  the same, and the largest tenth of all entries   {cut / bare:.2f}")
    print(f"  pooling over whole maps, a tenth of the filters  {whole / bare:.2f}")


if __name__ == "__main__":
    main()
