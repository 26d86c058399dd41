"""Numbers of the authors' notebooks and their outputs; the text of the paper was not at hand."""

from __future__ import annotations

CALIBRATION = {0.4: 1.204, 1.2: 1.641, 2.5: 3.078, 3.5: 3.371, 5.0: 3.822}  # mu: alpha of one-sided Pareto entries
SIGMA = {  # layer: (n, p), whether its first weights were cut off at two deviations, sigma fitted to it trained
    "LeNet-5, FC1": ((2450, 500), False, 1.2946),
    "MiniAlexNet, FC1": ((4096, 384), True, 1.2036),
    "MiniAlexNet, FC2": ((384, 192), True, 1.0126),
}
LENET5_ACCURACY, LENET5_SPIKES = 0.9924, 25
