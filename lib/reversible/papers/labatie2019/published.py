"""Moments that the author stored beside the code (alabatie/moments-dnns), as the project's page of facts has them.

Fully connected nets on CIFAR-10. They were read there and not run again; what is ours stands in the records.
"""

from __future__ import annotations

PLAIN_LOG_NU_2 = {100: (-1.851, 3.708), 200: (-3.820, 7.767)}  # layers: mean and variance over 10,000 nets; n = 128
NORMALISED_CHI = {10: 8.88, 50: 3.46e4, 100: 1.06e9, 200: 9.9e17}  # n = 512, B = 64
NORMALISED_KURTOSIS = 3.73  # of z, at layer 200
RESIDUAL_CHI = {5: 2.256, 25: 5.339, 125: 14.48, 500: 35.1}  # n = 512, B = 64, two layers a unit
RESIDUAL_TAU, RESIDUAL_FACTOR = 0.652, 1.2321
PLAIN_RANK = {2: 5.56, 20: 1.67, 100: 1.04}  # n = 512, B = 64
