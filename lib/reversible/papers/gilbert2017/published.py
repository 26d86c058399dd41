"""The numbers of the paper's tables and figures, as read in it; the appendices and the pictures were not at hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coherence:
    """A line of Table 4: a convolution of VGG-16 with 3 x 3 taps, its filters learned and random."""

    filters: int
    channels: int
    learned: float
    random: float

    @property
    def fan_in(self) -> int:
        return 9 * self.channels


TABLE_4 = {
    "c11": Coherence(64, 3, 0.9427, 0.6701),
    "c12": Coherence(64, 64, 0.7340, 0.1218),
    "c21": Coherence(128, 64, 0.6435, 0.1546),
    "c22": Coherence(128, 128, 0.7465, 0.1053),
    "c31": Coherence(256, 128, 0.5838, 0.1099),
    "c32": Coherence(256, 256, 0.4844, 0.0895),
    "c33": Coherence(256, 256, 0.5194, 0.0802),
    "c41": Coherence(512, 256, 0.4596, 0.0920),
    "c42": Coherence(512, 512, 0.4574, 0.0619),
    "c43": Coherence(512, 512, 0.4043, 0.0617),
    "c51": Coherence(512, 512, 0.4099, 0.0696),
    "c52": Coherence(512, 512, 0.4099, 0.0674),
    "c53": Coherence(512, 512, 0.4046, 0.0674),
}

# Table 2, shares of nonzero activations of VGG-16: those of the layers that VGG-19 has, too, and that are at hand
TABLE_2 = {"c11": 0.491, "c12": 0.697, "p1": 0.808, "c21": 0.674, "c22": 0.497, "p2": 0.707, "c31": 0.534}


@dataclass(frozen=True)
class Rebuilt:
    """A line of Table 3 for activations: errors of what learned and random filters and noise give back of pool(i)."""

    inputs: int  # channels of pool(i), the M of conv(i+1,1)
    filters: int  # the K of conv(i+1,1)
    learned: float
    random: float
    noise: float


TABLE_3 = {
    "pool1": Rebuilt(64, 128, 0.895, 0.872, 1.414),
    "pool2": Rebuilt(128, 256, 0.961, 0.926, 1.414),
    "pool3": Rebuilt(256, 512, 0.912, 0.862, 1.414),
    "pool4": Rebuilt(512, 512, 1.051, 0.992, 1.414),
}

# Table 2 as a whole, shares of nonzero activations at VGG-16's thirteen convolutions and five poolings
TABLE_2_WHOLE = TABLE_2 | {
    "c32": 0.519, "c33": 0.287, "p3": 0.459, "c41": 0.356, "c42": 0.296, "c43": 0.126, "p4": 0.231,
    "c51": 0.239, "c52": 0.206, "c53": 0.073, "p5": 0.131,
}  # fmt: skip
