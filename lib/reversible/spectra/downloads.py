"""Torchvision's default weights of a model: the file, downloaded and checked once, then cached; and what is in it."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

import numpy as np

from reversible.base.checks import InputError
from reversible.spectra.readers.stored import first_line

Array = np.ndarray


def cached(source: str) -> Path:
    """The cached file of "torchvision:NAME", downloaded and checked by its hash first if it is not there.

    Raises InputError for a model that torchvision has not, and `NotAtHand` without network or cached copy.
    """
    from reversible.data import NotAtHand  # brings torch, which takes seconds

    name = source.removeprefix("torchvision:")
    try:
        import torch
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # RuntimeError: one that was built for another torch
        raise InputError(f"{source} needs torchvision, which cannot be imported: {first_line(error)}") from None
    if name.lower() not in models.list_models():
        raise InputError(f"torchvision has no model {name!r}; {near(name, models.list_models())}")
    url = str(models.get_model_weights(name)["DEFAULT"].url)
    file = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    digest = re.search(r"-([0-9a-f]{8,})\.", file.name)
    try:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), digest and digest[1], progress=sys.stderr.isatty())
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: another hash
        raise NotAtHand(f"{source} needs the network or a cached copy: {first_line(error).strip('<>')}") from None
    return file


def layers(source: str) -> dict[str, Array]:
    """The weights of "torchvision:NAME" with two axes or more, as torch reads them; a trailing ".weight" is removed.

    For an experiment, whose record is to rest on this and not on all the kinds of files that `readers` knows.
    """
    import torch

    tensors = torch.load(cached(source), map_location="cpu", weights_only=True)
    return {name.removesuffix(".weight"): tensor.numpy() for name, tensor in tensors.items() if tensor.ndim >= 2}


def near(name: str, names: Sequence[str]) -> str:
    """Which names there are, or which of many are the closest to one that is not among them."""
    if len(names) <= 12:
        return f"there are {', '.join(names)}"
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.5) or [*names[:5], "..."]
    return f"of {len(names)} the closest are {', '.join(close)}"
