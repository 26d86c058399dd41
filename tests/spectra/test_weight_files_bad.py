"""Files that cannot be used: one line that names the file, whatever was done to it, and no code of theirs is run."""

import os
import pickle
import struct
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import refusal
from reversible.base.checks import InputError
from reversible.spectra.weight_files import Layer, read
from weight_files import NET, header, npz, peak, save, tensors


def whole_module(path):
    torch.save(torch.nn.Linear(3, 4), path)


def script(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(3, 4)), path)


def plain_pickle(path):
    path.write_bytes(pickle.dumps({"w": [1.0]}))


BAD = {  # name of the file: (what makes it, what is said)
    "missing.npz": (lambda path: None, "there is no file '{}'"),
    "folder.npz": (lambda path: path.mkdir(), "weights must be a file, and '{}' is a folder"),
    "net.h5": (
        lambda path: path.write_bytes(b"x"),
        "weights must be a file ending in .npy, .npz, .safetensors, .pt or",
    ),
    "net": (lambda path: None, "or torchvision:NAME, not '{}'"),
    "a\nb.npz": (lambda path: None, r"a\nb.npz'"),
    f"{'x' * 300}.npz": (lambda path: None, "cannot read '{}': File name too long"),
    "pipe.npz": (os.mkfifo, "there is no file '{}'"),
    "empty.npz": (lambda path: path.write_bytes(b""), "'{}' is empty"),
    "noise.npy": (lambda path: path.write_bytes(b"noise" * 99), "cannot read '{}': it is cut short, damaged or of"),
    "noise.npz": (lambda path: path.write_bytes(b"noise" * 99), "cannot read '{}': it is cut short, damaged or of"),
    "noise.safetensors": (lambda path: path.write_bytes(b"noise" * 99), "cannot read '{}': it is cut short"),
    "noise.pt": (lambda path: path.write_bytes(b"noise" * 99), "cannot read '{}': it is cut short, damaged or of"),
    "plain.pt": (plain_pickle, "cannot read '{}': it is cut short, damaged or of another format (not written by torch"),
    "module.pt": (
        whole_module,
        "'{}' holds more than weights, torch.nn.modules.linear.Linear, which was not run: save",
    ),
    "script.pt": (script, "'{}' is a TorchScript archive, which holds code: save the model's state_dict()"),
    "none.npz": (lambda path: save(path, {"b": np.zeros(3)}), "'{}' holds no layer: no array of 2 axes or more"),
    "none.safetensors": (lambda path: save(path, {"b": np.zeros(3)}), "'{}' holds no layer"),
    "none.pt": (lambda path: save(path, {"b": np.zeros(3)}), "'{}' holds no layer"),
    "list.pt": (lambda path: torch.save([torch.eye(3)], path), "'{}' holds no layer"),
    "none.npy": (lambda path: np.save(path, np.zeros(3)), "'{}' holds no layer"),
    "nothing.npz": (lambda path: npz(path), "'{}' holds no layer"),
    "objects.npy": (lambda path: np.save(path, np.array([[{}]])), "layer 'objects' of '{}' must hold dense real numb"),
    "objects.npz": (
        lambda path: save(path, {"fc": np.eye(2), "all": np.array([np.eye(2), None], dtype=object)}),
        "layer 'all' of '{}' must hold dense real numbers, not object",
    ),
    "text.npz": (lambda path: save(path, {"w": np.array([["a"]])}), "must hold dense real numbers, not <U1"),
    "complex.npz": (lambda path: save(path, {"w": np.eye(2) * 1j}), "must hold dense real numbers, not complex128"),
    "complex.safetensors": (lambda path: save(path, {"w": np.eye(2, dtype="c8")}), "dense real numbers, not C64"),
    "complex.pt": (lambda path: save(path, {"w": np.eye(2) * 1j}), "must hold dense real numbers, not complex128"),
    "long.npz": (lambda path: save(path, {"w": np.eye(2, dtype=np.longdouble)}), "dense real numbers, not float128"),
    "sparse.pt": (lambda path: torch.save({"w": torch.eye(3).to_sparse()}, path), "not float32 (sparse_coo)"),
    "meta.pt": (lambda path: torch.save({"w": torch.eye(3).to("meta")}, path), "not float32 (meta)"),
    "negative.npy": (lambda path: path.write_bytes(header((-2, -2)) + b"x" * 99), "cannot read '{}': it is cut short"),
    "version.npy": (lambda path: path.write_bytes(b"\x93NUMPY\x09\x00" + header((1, 1))[8:] + b"abcd"), "cannot read"),
    "large.npz": (lambda path: save(path, {"w": np.diag([-2e300, 1])}), "must hold numbers up to 1e+300, not 2e+300"),
    "nan.npz": (
        lambda path: save(path, NET | {"bad.weight": np.array([[np.nan, 1], [-np.inf, 2]])}),
        "layer 'bad' of '{}' must hold finite numbers; 2 of 4 are not",
    ),
}


@pytest.mark.parametrize("name", BAD, ids=lambda name: ascii(name)[1:24])
def test_what_cannot_be_used_is_one_line_that_names_the_file(tmp_path, name):
    make, says = BAD[name]
    path = tmp_path / name
    make(path)
    assert says.format(path) in refusal(lambda: read(str(path)))


def test_what_is_not_wanted_may_be_bad(tmp_path):
    source = save(tmp_path / "a.npz", NET | {"bad": np.full((2, 2), np.nan), "o": np.array([[{}]])})
    assert read(source, only="a")[0].name == "a"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path):
    source = save(tmp_path / "a.npz", NET)
    os.chmod(source, 0)
    assert refusal(lambda: read(source)) == f"cannot read {source!r}: Permission denied"


class Code:
    """What makes a file if a pickle of it is run."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


@pytest.mark.parametrize(
    "form", ["zip.pt", "legacy.pt", "pickle.pt", "pickle.npy", "pickle.npz", "array.npy", "array.npz"]
)
def test_code_in_a_file_is_not_run(tmp_path, form):
    path, ran = tmp_path / form, tmp_path / "ran"
    code = {"w": torch.eye(2), "code": Code(ran)}
    if form in ("zip.pt", "legacy.pt"):
        torch.save(code, path, _use_new_zipfile_serialization=form == "zip.pt")
        refused = "holds more than weights, io.open, which was not run"
    elif form.startswith("pickle"):
        path.write_bytes(pickle.dumps(code, protocol=2))
        refused = "which was not run" if form == "pickle.pt" else "it is cut short, damaged or of another format"
    else:
        array = np.array([[Code(ran)]])
        np.save(path, array) if form == "array.npy" else np.savez(path, w=array)
        refused = "must hold dense real numbers, not object"
    assert refused in refusal(lambda: read(str(path)))
    assert not ran.exists()
    pickle.loads(pickle.dumps(Code(ran))).close()
    assert ran.exists()  # it would have been


def lying(path, shape, content):
    """A .npz whose directory says that its member is as large as its head says."""
    npz(path, w=header(shape) + content)
    archive = bytearray(path.read_bytes())
    place = archive.rindex(b"PK\x01\x02")
    struct.pack_into("<I", archive, place + 24, len(header(shape)) + 4 * shape[0] * shape[1])
    path.write_bytes(archive)
    return str(path)


def test_members_that_lie_about_their_size(tmp_path):
    megabytes = {
        npz(tmp_path / "short.npz", w=header((2000, 2000)) + b"\0" * 80): 2,  # its head promises more than there is
        lying(tmp_path / "lying.npz", (2000, 2000), b"\0" * 80): 18,  # and the directory too: 16 MB, then the end
        lying(tmp_path / "less.npz", (2, 2), b"\0" * 80_000_000): 2,  # a bomb that says it is small
    }
    for source, most in megabytes.items():
        used, says = peak(lambda source=source: refusal(lambda: read(source)))
        assert says.startswith(f"cannot read {source!r}: it is cut short, damaged or of another format (")
        assert used < most * 1e6


def test_a_head_that_is_a_bomb(tmp_path):
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", 100_000_000) + b" " * 100_000_000
    source = npz(tmp_path / "a.npz", w=content)
    assert os.path.getsize(source) < 200_000
    used, says = peak(lambda: refusal(lambda: read(source)))
    assert "cannot read" in says
    assert used < 2e6


WHOLE = {}


def whole(ending, folder):
    """The bytes of a small file, made once."""
    if ending not in WHOLE:
        path = folder / f"net{ending.removeprefix('old')}"
        if ending == ".npy":
            np.save(path, NET["a.weight"])
        elif ending == "old.pt":
            torch.save(tensors(NET), path, _use_new_zipfile_serialization=False)
        else:
            save(path, NET)
        WHOLE[ending] = path.read_bytes()
    return WHOLE[ending]


@pytest.mark.parametrize("ending", [".npy", ".npz", ".safetensors", ".pt", "old.pt"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_or_altered_anywhere_is_layers_or_one_line(tmp_path_factory, ending, data):
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(whole(ending, folder))
    kept = data.draw(st.integers(0, len(content)))
    content = content[:kept]
    for place in data.draw(st.lists(st.integers(0, max(kept - 1, 0)), max_size=2)):
        if place < kept:
            content[place] ^= data.draw(st.integers(1, 255))
    path = folder / f"cut-{ending}"
    path.write_bytes(content)
    try:
        layers = read(str(path), memory=64)
    except InputError:
        assert str(path) in refusal(lambda: read(str(path), memory=64))
    else:
        assert layers
        assert all(isinstance(layer, Layer) and np.isfinite(layer.weight).all() for layer in layers)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".safetensors", ".pt", "old.pt"])
def test_a_file_cut_short_is_refused(tmp_path, ending):
    content = whole(ending, tmp_path)
    for kept in (1, 8, 60, len(content) // 2, len(content) - 1):
        path = tmp_path / f"cut-{ending}"
        path.write_bytes(content[:kept])
        assert refusal(lambda path=path: read(str(path))).startswith(f"cannot read {str(path)!r}: it is cut short, dam")
