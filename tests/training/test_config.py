"""What a training run is asked, what it leaves, and one line for what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible import data
from reversible.training import config as training
from reversible.training import hooks, stack
from reversible.training import run as train
from reversible.training.config import Point, Training, TrainingResult, memory_needed, scaling, snapshots_of
from reversible.training.run import Run, told_when_out_of_memory
from reversible.training.synthetic import Shadow

P = Training(data="digits", hidden=(30, 20, 16), steps=60, lr=0.05, batch=50, seeds=(3,))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": "cifar"}, "data must be one of digits, mnist, cifar10, cifar100, not 'cifar'"),
        ({"inputs": "raw"}, "inputs must be one of unit, standard, not 'raw'"),
        ({"judge": "train"}, "judge must be one of test, held out, not 'train'"),
        ({"judge": "held out"}, "held_out must be an integer from 1"),
        ({"held_out": -1}, "held_out must be an integer from 0"),
        ({"device": "tpu"}, "device must be one of cpu, cuda, not 'tpu'"),
        ({"precision": "float16"}, "precision must be one of float32, bf16, not 'float16'"),
        ({"precision": "tf32"}, "precision must be one of float32, bf16, not 'tf32'"),
        ({"graph": True}, "graph must be off on the cpu"),
        ({"hidden": ()}, "widths must name one hidden layer or more, not none"),
        ({"hidden": (30, 0)}, "widths must be an integer from 1"),
        ({"hidden": (30, 2.5)}, "widths must be an integer from 1"),
        ({"images": 0}, "images must be an integer from 1"),
        ({"dropout": 1}, "dropout must be a number from 0 to less than 1, not 1"),
        ({"dropout": -0.1}, "dropout must be a number from 0 to less than 1, not -0.1"),
        ({"dropout": 1.5}, "dropout must be a number from 0 to less than 1, not 1.5"),
        ({"dropout": float("nan")}, "dropout must be a number from 0 to less than 1, not nan"),
        ({"steps": 0}, "steps must be an integer from 1"),
        ({"lr": 0}, "lr must be a number from 1e-12"),
        ({"lr": float("nan")}, "lr must be a number from 1e-12"),
        ({"batch": 0}, "batch must be an integer from 1"),
        ({"seeds": ()}, "seeds must be one or more, all different, not ()"),
        ({"seeds": (1, 2, 1)}, "seeds must be one or more, all different, not (1, 2, 1)"),
        ({"seeds": (0, -1)}, "seed must be an integer from 0"),
        ({"snapshots": (0, 61)}, "snapshots must be an integer from 0 to 60, not 61"),
        ({"snapshots": (20, 0)}, "snapshots must be rising steps from 0 to 60, not (20, 0)"),
        ({"snapshots": (0, 20, 20)}, "snapshots must be rising steps from 0 to 60, not (0, 20, 20)"),
        ({"shadow": Shadow(source=4)}, "source must be a hidden layer from h1 to h3, not h4"),
    ],
)
def test_bad_parameters_are_one_line(change, says):
    assert says in refusal(lambda: replace(P, **change))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": 1438}, "images must be an integer from 1 to 1437, the training images there are, not 1438"),
        ({"images": 1038, "held_out": 400}, "images must be an integer from 1 to 1037"),
        ({"batch": 2000}, "batch must be an integer from 1 to 1437, the images there are, not 2000"),
        ({"batch": 200, "images": 100}, "batch must be an integer from 1 to 100, the images there are, not 200"),
        ({"held_out": 1437}, "held_out must be an integer from 0 to 1436, not 1437"),
    ],
)
def test_what_the_data_have_not_is_one_line(change, says):
    assert says in refusal(lambda: Run(replace(P, **change)))


def test_cuda_that_is_not_there_is_one_line():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    p = replace(P, device="cuda", precision="tf32", graph=True)
    assert "device must be cpu here: no CUDA device was found" in refusal(lambda: Run(p))


def test_numbers_may_come_as_text_and_whole_floats():
    p = replace(P, hidden=["30", 20.0], steps="40", snapshots=["0", 4e1], lr="0.1", dropout="0.5", seeds=["7"])
    assert p == replace(P, hidden=(30, 20), steps=40, snapshots=(0, 40), lr=0.1, dropout=0.5, seeds=(7,))
    assert p.looked_at == (0, 40)
    assert replace(P, snapshots=()).looked_at == (60,)
    shadow = replace(Shadow(), source="1", rho="0.5", share="0.25", start="3")
    assert shadow == Shadow(source=1, rho=0.5, share=0.25, start=3)


# --- images -----------------------------------------------------------------------------------------------------------


def test_inputs_by_hand():
    """A pixel times a factor less a shift: from 0 to 1, or by channel of mean 0 and standard deviation 1."""
    pixels = torch.randint(0, 256, (40, 3 * 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pixels[:, 16:32] //= 3
    images = data.Images(pixels, torch.zeros(40, dtype=torch.int64), classes=10, white=255, side=4, channels=3)
    factor, shift = scaling(P, images)
    assert torch.equal(shift, torch.zeros(48))
    assert torch.allclose(pixels * factor, images.scaled())
    factor, shift = scaling(replace(P, inputs="standard"), images)
    assert factor.dtype == shift.dtype == torch.float32
    channels = (pixels * factor - shift).double().unflatten(1, (3, 16)).movedim(1, 0).flatten(1)
    assert np.allclose(channels.mean(1), 0, atol=1e-6)
    assert np.allclose(channels.std(1, correction=0), 1, atol=1e-6)


def test_standard_inputs_are_those_of_the_images_that_may_be_trained_on():
    some, whole = (Run(replace(P, inputs="standard", held_out=n)).stack.images for n in (1000, 0))
    shown = some.inputs(some.pixels).double()
    assert (float(shown.mean()), float(shown.std())) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-4))
    assert not torch.allclose(some.factor, whole.factor, rtol=1e-3)


# --- what is left -----------------------------------------------------------------------------------------------------


def point(step, *errors):
    return Point(step, errors, errors, errors, errors, seconds=step / 10)


def test_a_summary_by_hand():
    result = TrainingResult((point(0, 0.9, 0.8), point(10, 0.5, 0.2), point(40, 0.3, 0.4)), ("", ""))
    assert result.curve("test_loss").tolist() == [[0.9, 0.5, 0.3], [0.8, 0.2, 0.4]]
    summary = result.summary()
    assert summary["final_test_error"].tolist() == [0.3, 0.4]
    assert summary["best_test_error"].tolist() == [0.3, 0.2]
    # Of the first seed 10 steps of 0.7 and 30 of 0.4 on the mean, of the second 10 of 0.5 and 30 of 0.3.
    assert summary["area_under_error_curve"].tolist() == pytest.approx([19 / 40, 14 / 40])
    later = TrainingResult((point(10, 0.5), point(40, 0.3)), ("",))
    assert later.summary()["area_under_error_curve"].tolist() == pytest.approx([0.4])
    single = TrainingResult((point(7, 0.5, 0.1),), ("", "")).summary()
    assert [values.tolist() for values in single.values()] == [[0.5, 0.1]] * 3


@pytest.mark.parametrize("steps", [1, 2, 5, 31, 33, 250, 10**6])
def test_snapshots_rise_from_the_start_to_the_end(steps):
    looked = snapshots_of(steps)
    assert replace(P, steps=steps, snapshots=looked).looked_at == looked
    assert (looked[0], looked[-1]) == (0, steps)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_memory_needed_is_that_of_the_nets_where_they_are_large():
    p = replace(P, hidden=(4000, 4000), seeds=tuple(range(8)))
    own = 3 * 4 * 8 * (64 * 4000 + 4000 * 4000 + 4000 * 10)  # weights, gradients and momentum of eight nets
    assert own < memory_needed(p) < 3 * own
    more = ({"seeds": tuple(range(9))}, {"hidden": (4000, 5000)}, {"hidden": (4000, 4000, 4000)}, {"batch": 1000})
    assert all(memory_needed(replace(p, **change)) > memory_needed(p) for change in more)
    images = data.load("digits", train=True).pixels.nbytes
    assert memory_needed(replace(p, hidden=(1,), batch=1, seeds=(0,))) > images


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:129] data. DefaultCPUAllocator: can't allocate memory: you tried\n"
        ),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ..."),
        MemoryError(),
    ],
)
def test_no_memory_is_one_line(error):
    message = refusal(lambda: raised(replace(P, seeds=(0, 1)), error))
    assert message.startswith("cpu must have the memory for 2 nets of widths (30, 20, 16) side by side")


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes cannot be multiplied"), RuntimeError("CUDA error: an illegal memory access")]
)
def test_other_errors_are_let_through(error):
    with pytest.raises(RuntimeError) as caught:
        raised(P, error)
    assert caught.value is error


def raised(p, error):
    with told_when_out_of_memory(p):
        raise error


def test_no_memory_is_told_wherever_a_run_takes_some(monkeypatch):
    def full(*given, **named):
        raise MemoryError

    run = Run(P)
    for place, call in (((train, "losses"), lambda: run.advance(1)), ((hooks, "_wrong"), run.look)):
        monkeypatch.setattr(*place, full)
        assert refusal(call).startswith("cpu must have the memory")
    for place in ((training, "load"), (stack, "initial"), (hooks, "generation_of")):
        with monkeypatch.context() as patch:
            patch.setattr(*place, full)
            assert refusal(lambda: Run(P)).startswith("cpu must have the memory")
