"""Results as bytes: the same to the bit when they come back, and nothing runs that a file brings."""

import hashlib
import math
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reversible.base.journal import Journal, Kept
from reversible.base.packing import packed, unpacked


@dataclass(frozen=True)
class Cell:
    size: int
    parts: tuple["Cell", ...] = ()
    values: np.ndarray | None = None


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
)


@given(NESTED)
def test_what_is_packed_comes_back(value):
    assert repr(unpacked(packed(value))) == repr(value)  # 1 is not 1.0 or True, and nan is nan


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8, np.uint64, np.bool_, np.complex128])
def test_arrays_and_their_scalars_come_back_to_the_bit(kind):
    array = np.arange(6).astype(kind).reshape(2, 3)
    back, scalar, empty = unpacked(packed((array, array[1, 2], array[:0])))
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert type(scalar) is kind
    assert scalar == array[1, 2]
    assert empty.shape == (0, 3)


def test_dataclasses_come_back_as_what_they_were():
    cell = Cell(3, (Cell(1), Cell(2, values=np.array([math.pi]))))
    back = unpacked(packed([cell, {"a": cell}]))
    assert repr(back) == repr([cell, {"a": cell}])


@pytest.mark.parametrize("value", [{1, 2}, object(), lambda: 1, np.array([object()]), Cell, 1j, b"bytes"])
def test_what_cannot_be_packed_is_said(value):
    with pytest.raises(TypeError, match="cannot be packed"):
        packed([value])


class Planted:
    """Touches a file when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


def sealed(payload):
    return hashlib.sha256(payload).digest() + payload


def test_a_journal_from_elsewhere_runs_nothing(tmp_path):
    journal, ran = Journal(tmp_path / "journal"), tmp_path / "ran"
    journal.keep("item", 3)
    (file,) = (tmp_path / "journal").iterdir()
    pickle.loads(pickle.dumps(Planted(ran)))
    assert ran.exists()  # so the trap works
    ran.unlink()
    bare = pickle.dumps(("'item'", Planted(ran)))
    array = np.empty(1, object)
    array[0] = Planted(ran)
    np.savez(tmp_path / "planted.npz", structure=array, array0=array)
    for payload in (bare, (tmp_path / "planted.npz").read_bytes()):
        file.write_bytes(sealed(payload))
        assert journal.read("item") is None
    assert not ran.exists()
    journal.keep("item", None)
    assert journal.read("item") == Kept(None)


@pytest.mark.parametrize(
    "structure",
    [
        ["dataclass", "os", "system", ["command", "true"]],
        ["dataclass", "not_imported_yet", "Cell"],
        ["dataclass", __name__, "Cell", ["size", 1], ["colour", 2]],
        ["dataclass", __name__, "Journal.keep"],
        ["array", "nowhere"],
        ["code", "1"],
        [],
    ],
)
def test_a_structure_that_leads_nowhere_counts_as_none(tmp_path, structure):
    import io
    import json

    file = io.BytesIO()
    np.savez(file, structure=np.frombuffer(json.dumps(["tuple", "'item'", structure]).encode(), np.uint8))
    journal = Journal(tmp_path)
    journal.keep("item", 1)
    (there,) = [each for each in tmp_path.iterdir() if os.access(each, os.R_OK)]
    there.write_bytes(sealed(file.getvalue()))
    assert journal.read("item") is None
