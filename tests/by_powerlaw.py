"""A power law as the package powerlaw fits it, which shares no code with the library."""

import contextlib
import io
import warnings
from typing import Any


def by_powerlaw(values, *, ended) -> Any:
    """Without an upper end, or with `xmax` at the largest value."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import powerlaw

        return powerlaw.Fit(values, verbose=False, **({"xmax": values.max()} if ended else {}))
