"""Files that cannot be used: one line that names the file, whatever was done to it, and no code of theirs is run."""

import argparse
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import refusal
from reversible.base.checks import InputError
from reversible.spectra.weight_files import Layer, read
from weight_files import NET, header, npz, peak, save, tensors


def script(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(3, 4)), path)


def plain_pickle(path):
    path.write_bytes(pickle.dumps({"w": [1.0]}))


def sparse_rows(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is in beta
        torch.save({"w": torch.eye(3).to_sparse_csr()}, path)


def stored(arrays):
    return lambda path: save(path, arrays)


def written(content):
    return lambda path: path.write_bytes(content)


CUT = "cannot read '{}': it is cut short, damaged or of"
NOTHING, NO_LAYER = "'{}' holds no layer", "no layer of '{}' can"
TORCHSCRIPT = (
    "'{0}' is a TorchScript archive, which holds code, and nothing in a file is run; if you trust it, "
    "torch.save(torch.jit.load('{0}').state_dict(), 'weights.pt') writes the weights alone"
)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
BAD = {  # name of the file: (what makes it, what is said)
    "missing.npz": (lambda path: None, "there is no file '{}'"),
    "net": (lambda path: None, "there is no file '{}'"),
    "folder.npz": (lambda path: path.mkdir(), "the folder '{}' holds no file of weights"),
    "a\nb.npz": (lambda path: None, r"a\nb.npz'"),
    f"{'x' * 300}.npz": (lambda path: None, "cannot read '{}': File name too long"),
    "pipe.npz": (os.mkfifo, "there is no file '{}'"),
    "empty.npz": (written(b""), "'{}' is empty"),
    "noise.npy": (written(b"\0noise" * 99), CUT),
    "noise": (written(b"\0noise" * 99), CUT),
    "short": (written(b"x"), CUT),
    "lfs.safetensors": (written(LFS), "'{}' is a Git LFS pointer"),
    "page.pt": (written(b"<!DOCTYPE html><html></html>"), "'{}' is a web page, not weights"),
    "page.npz": (written(b"\n\n  <html lang='en'>"), "'{}' is a web page, not weights"),
    "answer.bin": (written(b'<?xml version="1.0"?><Error>'), "'{}' is a text of XML, not weights"),
    "config.json": (written(b'{"hidden_size": 768}'), "'{}' is a text of JSON, not weights"),
    "notes.pt": (written(b"noise " * 9), "'{}' is a text, not weights, and begins with 'noise noise"),
    "net.npz.gz": (written(b"\x1f\x8b\x08" + b"\0" * 40), "'{}' is compressed by gzip: unpack it first"),
    "net.zip": (lambda path: zipped(path, {"net.bin": b"x"}), "'{}' is a zip archive: unpack it"),
    "net.tar": (lambda path: tarred(path), "'{}' is a tar archive: unpack it"),
    "net.tflite": (written(b"\x1c\0\0\0TFL3" + b"\0" * 40), "'{}' is a TensorFlow Lite model"),
    "broken.h5": (written(b"\x89HDF\r\n\x1a\n" + b"\0" * 90), CUT),
    "plain.pt": (plain_pickle, NOTHING),
    "script.pt": (script, TORCHSCRIPT),
    "none.npz": (stored({"b": np.zeros(3)}), "'{}' holds no layer: no array of 2 axes or more"),
    "none.safetensors": (stored({"b": np.zeros(3)}), NOTHING),
    "none.pt": (stored({"b": np.zeros(3)}), NOTHING),
    "none.npy": (lambda path: np.save(path, np.zeros(3)), NOTHING),
    "nothing.npz": (lambda path: npz(path), NOTHING),
    "objects.npy": (lambda path: np.save(path, np.array([[{}]])), NO_LAYER),
    "negative.npy": (lambda path: path.write_bytes(header((-2, -2)) + b"x" * 99), NO_LAYER),
    "version.npy": (lambda path: path.write_bytes(b"\x93NUMPY\x09\x00" + header((1, 1))[8:] + b"abcd"), "cannot read"),
}


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def tarred(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("net.bin"))


REAL = "must hold dense real numbers, not "
NO_WEIGHTS = {  # what is said of an array "w" beside a good layer
    "object.npz": (stored({"w": np.array([np.eye(2), None], dtype=object)}), f"{REAL}object"),
    "text.npz": (stored({"w": np.array([["a"]])}), f"{REAL}<U1"),
    "record.npz": (stored({"w": np.zeros((2, 2), [("a", "f4")])}), f"{REAL}[('a', '<f4')]"),
    "complex.npz": (stored({"w": np.eye(2) * 1j}), f"{REAL}complex128"),
    "complex.safetensors": (stored({"w": np.eye(2, dtype="c8")}), f"{REAL}complex64"),
    "complex.pt": (stored({"w": np.eye(2) * 1j}), f"{REAL}complex128"),
    "long.npz": (stored({"w": np.eye(2, dtype=np.longdouble)}), f"{REAL}float128"),
    "sparse.pt": (lambda path: torch.save({"w": torch.eye(3).to_sparse()}, path), "it is sparse"),
    "csr.pt": (sparse_rows, "it is sparse"),
    "meta.pt": (lambda path: torch.save({"w": torch.eye(3).to("meta")}, path), "a tensor without numbers"),
    "large.npz": (stored({"w": np.diag([-2e300, 1])}), "must hold numbers up to 1e+300, not 2e+300"),
    "nan.npz": (stored({"w": np.array([[np.nan, 1], [-np.inf, 2]])}), "must hold finite numbers; 2 of 4 are not"),
    "mask.npz": (stored({"w": np.ones((2, 2), bool)}), "true and false (bool) are no weights"),
    "index.pt": (stored({"w": np.ones((2, 2), int)}), "integers (int64) are no weights"),
}


@pytest.mark.parametrize("name", NO_WEIGHTS)
def test_an_array_that_is_no_weight_costs_the_others_nothing(tmp_path, name):
    make, says = NO_WEIGHTS[name]
    path = tmp_path / name
    make(path)
    assert says in refusal(lambda: read(str(path)))
    assert str(path) in refusal(lambda: read(str(path)))
    folder = tmp_path / "both"
    folder.mkdir()
    path.rename(folder / name)
    save(folder / f"good{path.suffix}", NET)
    assert [layer.name for layer in read(str(folder))] == ["z", "a"]


NAMED = {"causal_mask": np.tril(np.ones((3, 3))), "edge_index": np.array([[0.0, 1.0], [1.0, 2.0]])}


def test_whole_numbers_that_are_called_a_mask_or_an_index_are_no_weights(tmp_path):
    source = save(tmp_path / "net.npz", NET | NAMED | {"eye": np.eye(3), "soft_mask": np.eye(3) / 2})
    assert [layer.name for layer in read(source)] == ["z", "a", "eye", "soft_mask"]
    for name in NAMED:
        assert "a mask or a table of indices" in refusal(lambda name=name: read(source, only=name))


@pytest.mark.parametrize("name", BAD, ids=lambda name: ascii(name)[1:24])
def test_what_cannot_be_used_is_one_line_that_names_the_file(tmp_path, name):
    make, says = BAD[name]
    path = tmp_path / name
    make(path)
    assert says.format(path) in refusal(lambda: read(str(path)))


def test_what_is_not_wanted_may_be_bad(tmp_path):
    source = save(tmp_path / "a.npz", NET | {"bad": np.full((2, 2), np.nan), "o": np.array([[{}]])})
    assert read(source, only="a")[0].name == "a"


def test_a_table_of_sines_and_cosines_is_no_weight(tmp_path):
    angles = np.arange(50)[:, None] * np.exp(-np.arange(8))
    waves = np.concatenate([np.sin(angles), np.cos(angles)], 1)
    tables = {"pe": waves[None], "positions": waves, "cosine": waves, "learned_pos": np.sin(waves), "w": waves}
    source = save(tmp_path / "net.npz", tables)
    assert [layer.name for layer in read(source)] == ["learned_pos", "w"]
    assert "a table of sines and cosines is no weight" in refusal(lambda: read(source, only="pe"))


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


FORMS = ["zip.pt", "legacy.pt", "module.pt", *(f"pickle{n}.pkl" for n in range(6)), "array.npy", "array.npz"]


@pytest.mark.parametrize("form", FORMS)
def test_code_in_a_file_is_not_run(tmp_path, form):
    path, ran = tmp_path / form, tmp_path / "ran"
    weight = np.arange(4.0).reshape(2, 2)
    if form.startswith("array"):
        array = np.array([[Code(ran)]])
        np.save(path, array) if form == "array.npy" else np.savez(path, w=array)
        assert "must hold dense real numbers, not object" in refusal(lambda: read(str(path)))
    else:
        planted(path, weight, Code(ran))
        (layer,) = read(str(path))
        assert np.array_equal(layer.weight, weight)
    assert not ran.exists()
    pickle.loads(pickle.dumps(Code(ran))).close()
    assert ran.exists()  # it would have been


def planted(path, weight, code):
    """A file of a layer and of what runs code, before it, behind it, as a key and as what is put into an object."""
    if path.suffix == ".pkl":
        holds = {"first": code, "w": weight, code: [code]}
        path.write_bytes(pickle.dumps(holds, protocol=int(path.stem[-1])))
    elif path.stem == "module":
        module = torch.nn.Linear(2, 2, bias=False, dtype=torch.float64)
        module.weight.data, module.hook = torch.tensor(weight), code
        torch.save(module, path)
    else:
        holds = {"first": code, "w": torch.tensor(weight), "object": argparse.Namespace(code=code), code: (code,)}
        torch.save(holds, path, _use_new_zipfile_serialization=path.stem == "zip")


def test_no_module_is_imported_for_a_file(tmp_path):
    """Names in a pickle are names: that of a module which would leave a trace as it is imported, say."""
    (tmp_path / "planted_trace.py").write_text("raise SystemExit('imported')")
    path = tmp_path / "net.pkl"
    path.write_bytes(b"\x80\x02cplanted_trace\nrun\n)R.")
    code = "import sys; sys.path.insert(0, sys.argv[1]); from reversible import cli; cli.main(sys.argv[2:])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "spectrum", str(path)], capture_output=True, text=True
    )
    says = f"reversible: {str(path)!r} holds no layer: no array of 2 axes or more\n"
    assert (done.returncode, done.stderr) == (0, says)


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
        assert source in says
        assert "it is cut short, damaged or of another format (" in says
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
@settings(max_examples=60)
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
        says = refusal(lambda path=path: read(str(path)))
        assert str(path) in says
        assert "it is cut short, damaged or of another format (" in says
