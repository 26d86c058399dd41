"""A net inside of what torch puts around it, for several devices or to compile it: the one inside is read."""

import copy
from typing import Any

import pytest
import torch
from torch import distributed, nn
from torch.nn import DataParallel, Flatten, Linear, ReLU, Sequential
from torch.optim.swa_utils import AveragedModel

from helpers import refusal
from reversible import your_net
from your_nets import DIGITS, UNSEEN, plain

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A process group of this process alone, as DistributedDataParallel asks for one."""
    if not distributed.is_available():
        pytest.skip("torch was built without torch.distributed")
    store = tmp_path_factory.mktemp("store") / "store"
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def distributed_over(model):
    return nn.parallel.DistributedDataParallel(model)


def compiled(model: nn.Module) -> Any:
    return torch.compile(model, backend="eager")


WRAPPED = {
    "DataParallel": DataParallel,
    "DistributedDataParallel": distributed_over,
    "torch.compile": compiled,
    "AveragedModel": AveragedModel,
    "two of them": lambda model: DataParallel(compiled(model)),
    "inside": lambda model: Sequential(Flatten(), compiled(model)),
    "one layer": lambda model: Sequential(DataParallel(model[0]), *model[1:]),
}


@pytest.fixture(scope="module")
def alone_read():
    """A net that nothing is put around: the model, what is read of it, and what is said of its pictures."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = plain(64, 40, 33, 10)
    return model, your_net.read(model, UNSEEN, batches=4, sample=80), your_net.pictures(model, UNSEEN, count=2)[1:]


@pytest.mark.parametrize("kind", WRAPPED)
def test_the_net_inside_is_read(kind, request, alone_read):
    if kind == "DistributedDataParallel":
        request.getfixturevalue("alone")
    bare, expected, told = alone_read
    wrapped = WRAPPED[kind](copy.deepcopy(bare))
    reading = your_net.read(wrapped, UNSEEN, batches=4, sample=80)
    renamed = {"inside": "1.", "one layer": ""}.get(kind, "")
    assert [row.layer for row in reading.rows] == [f"{renamed}{row.layer}" for row in expected.rows]
    assert [row.measured for row in reading.rows] == [row.measured for row in expected.rows]
    assert your_net.reversal_words(reading.layers) == your_net.reversal_words(expected.layers)
    net = your_net.net_of(wrapped)
    assert all(torch.equal(A, B) for A, B in zip(net.weights, your_net.net_of(bare).weights, strict=True))
    assert your_net.pictures(wrapped, UNSEEN, count=2)[1:] == told


def test_a_net_that_was_run_compiled_is_read_as_it_is():
    model = compiled(plain(64, 20, 10))
    with torch.no_grad():
        says = model(UNSEEN)
    assert torch.allclose(your_net.net_of(model).logits(UNSEEN.double()), says.double(), atol=1e-5)


def test_a_net_of_convolutions_inside():
    model = Sequential(nn.Conv2d(1, 2, 3), ReLU(), Flatten(), Linear(72, 5))
    assert str(your_net.read(DataParallel(model), DIGITS[:40])) == str(your_net.read(model, DIGITS[:40]))


class Doubled(DataParallel):
    def forward(self, *inputs: Any, **more: Any) -> Any:
        return super().forward(*inputs, **more).mul(2)


def with_hook():
    model = DataParallel(plain(64, 20, 10))
    model.register_forward_hook(lambda *_: None)
    return model


REFUSED = {
    "no Sequential": (lambda: DataParallel(Linear(64, 10)), "the model must be a torch.nn.Sequential, not Linear"),
    "own forward": (lambda: Doubled(plain(64, 20, 10)), "the model must be a torch.nn.Sequential, not Doubled"),
    "hook": (with_hook, "the model must have no hooks"),
    "inside": (lambda: Sequential(compiled(Linear(64, 9)), nn.Tanh()), "module '1' must be ReLU in its place, not T"),
    "itself": (lambda: Sequential(Linear(64, 9), compiled(nn.Tanh())), "module '1' must be ReLU in its place, not T"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_inside_or_done_around_it_is_refused_as_ever(kind):
    made, says = REFUSED[kind]
    assert refusal(lambda: your_net.read(made(), UNSEEN)).startswith(says)
