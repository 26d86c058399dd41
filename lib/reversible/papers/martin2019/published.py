"""Numbers of the authors' notebooks and their outputs; the text of the paper was not at hand."""

from __future__ import annotations

CALIBRATION = {0.4: 1.204, 1.2: 1.641, 2.5: 3.078, 3.5: 3.371, 5.0: 3.822}  # mu: alpha of one-sided Pareto entries
SIGMA = {  # layer: (n, p), whether its first weights were cut off at two deviations, sigma fitted to it trained
    "LeNet-5, FC1": ((2450, 500), False, 1.2946),
    "MiniAlexNet, FC1": ((4096, 384), True, 1.2036),
    "MiniAlexNet, FC2": ((384, 192), True, 1.0126),
}
LENET5_ACCURACY, LENET5_SPIKES = 0.9924, 25
MLP3_BEFORE, MLP3_AFTER, MLP3_EPOCHS, MLP3_ACCURACY = (128, 129), (98, 62), 44, 0.52
SWEEP_SIZES = (1000, 500, 250, 150, 50, 32, 16, 8, 4)  # MiniAlexNet, read from plots
SWEEP_SOFT_RANK = (1, 1, 1, 0.92, 0.80, 0.74, 0.60, 0.44, 0.29)
SWEEP_ACCURACY = (0.657, 0.696, 0.710, 0.718, 0.738, 0.750, 0.761, 0.769, 0.771)
ALEXNET = {"FC1": (2.288, 0.053), "FC2": (2.245, 0.037), "FC3": (3.020, 0.019)}  # alpha, D
