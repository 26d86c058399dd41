"""Codes, weights, generation and inference: shapes, laws, and where randomness comes from."""

import math

import pytest
import torch

from reversible.base.checks import InputError
from reversible.random_nets import model


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", ["binary", "uniform", "exponential"])
def test_codes_have_k_positive_entries_of_their_law(law):
    codes = model.Codes(law)
    h = codes.sample(4000, 50, 7, seeded(), torch.float64)
    assert h.shape == (4000, 50)
    assert ((h > 0).sum(1) == 7).all()
    entries = h[h > 0]
    standard = (entries**2).std() / math.sqrt(len(entries)) if law != "binary" else 1e-12
    assert abs((entries**2).mean() - codes.second_moment) < 4 * standard + 1e-9
    places = (h > 0).double().mean(0)
    assert abs(places - 7 / 50).max() < 5 * math.sqrt(0.14 * 0.86 / 4000)


def test_uniform_codes_stay_in_their_interval():
    h = model.Codes("uniform", 0.25, 0.75).sample(100, 20, 20, seeded(), torch.float32)
    assert 0.25 <= h.min() < 0.3
    assert 0.7 < h.max() <= 0.75


def test_typical_code_has_the_quantiles():
    assert model.Codes("uniform", 0.0, 1.0).typical(4).tolist() == [0.125, 0.375, 0.625, 0.875]
    assert model.Codes("exponential").typical(1)[0] == pytest.approx(math.log(2))


def test_beta():
    h = torch.tensor([[3.0, 4.0, 0.0], [1.0, 0.0, 0.0]])
    assert model.beta(h).tolist() == pytest.approx([0.8, 1.0])


@pytest.mark.parametrize("family", model.FAMILIES)
def test_weights_have_zero_mean_and_unit_second_moment(family):
    W = model.sample_weights(family, 2000, 500, seeded(1), torch.float64)
    assert W.shape == (2000, 500)
    tolerance = 0.05 if family == "student" else 0.01
    assert abs(W.mean()) < 0.01
    assert abs((W**2).mean() - 1) < tolerance
    kurtosis = model.FAMILIES[family].kurtosis
    if math.isfinite(kurtosis):
        assert (W**4).mean() == pytest.approx(kurtosis, rel=0.05)
    else:
        assert (W**4).mean() > 10


def test_each_family_is_what_its_words_say():
    draw = {name: model.sample_weights(name, 1000, 300, seeded(2), torch.float64) for name in model.FAMILIES}
    assert set(draw["sign"].unique().tolist()) == {-1.0, 1.0}
    assert draw["uniform"].abs().max() <= math.sqrt(3)
    assert (draw["sparse"] == 0).double().mean() == pytest.approx(0.9, abs=0.01)
    assert (draw["skewed"] ** 3).mean() == pytest.approx(2, rel=0.1)
    gram = draw["orthogonal"].T @ draw["orthogonal"] / 1000
    assert torch.allclose(gram, torch.eye(300, dtype=torch.float64), atol=1e-10)
    gram = draw["correlated"].T @ draw["correlated"] / 1000
    assert gram.diagonal(1).mean() == pytest.approx(0.5, abs=0.02)
    assert gram.diagonal(2).mean() == pytest.approx(0.0, abs=0.02)


def test_orthogonal_columns_need_room():
    with pytest.raises(InputError, match=r"n >= m"):
        model.sample_weights("orthogonal", 3, 4, seeded(), torch.float32)


def test_unknown_family():
    with pytest.raises(InputError, match=r"weights must be one of .* not 'levy'"):
        model.sample_weights("levy", 3, 4, seeded(), torch.float32)


def test_generation_and_inference_by_hand():
    W = torch.tensor([[1.0, 0.0], [-1.0, 2.0], [0.0, -3.0]])  # (n, m) = (3, 2)
    h = torch.tensor([[2.0, 1.0]])
    x = model.generate(W, h, alpha=0.5, rho=1.0)
    assert x.tolist() == [[1.0, 0.0, 0.0]]
    y = model.correlate(W, torch.tensor([[1.0, 2.0, 3.0]]))
    assert y.tolist() == [[-1.0, -5.0]]
    y = torch.tensor([[-1.0, 0.5, 2.0]])
    assert model.infer(y, -1.0).tolist() == [[0.0, 0.0, 1.0]]
    assert model.infer(y, -1.0, "hard").tolist() == [[0.0, 0.0, 2.0]]
    assert model.infer(y, -1.0, "linear").tolist() == y.tolist()


def test_transposed_linear_layer_is_the_same_map():
    layer = torch.nn.Linear(30, 10, bias=False)  # weight (out, in) = (m, n) = W^T
    x = torch.rand(4, 30)
    assert torch.allclose(layer(x), model.correlate(layer.weight.T, x), atol=1e-6)


def test_dropout_keeps_the_share_and_does_not_rescale():
    x = torch.ones(100, 1000)
    kept = model.dropout(x, 0.3, seeded())
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert kept.mean() == pytest.approx(0.3, abs=0.01)
    assert model.dropout(x, 1.0, None) is x


def test_dropout_at_inference_is_rescaled():
    W = torch.eye(2000)
    y = model.correlate(W, torch.ones(1, 2000), q=0.25, generator=seeded())
    assert y.mean() == pytest.approx(1.0, abs=0.2)
    assert set(y.unique().tolist()) == {0.0, 4.0}


def test_randomness_comes_from_the_generator_alone():
    torch.manual_seed(1)
    first = model.sample_weights("student", 5, 5, seeded(3), torch.float32)
    torch.manual_seed(2)
    assert torch.equal(first, model.sample_weights("student", 5, 5, seeded(3), torch.float32))
    state = torch.get_rng_state()
    model.generate(first, torch.rand(2, 5, generator=seeded()), 1.0, 0.5, seeded())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("retention", [0.9999999, 0.5, 1 / 3, 0.01, 2e-3])
@pytest.mark.parametrize("shape", [(3, 5), (64, 129)])
def test_dropout_is_that_of_uniform_numbers_to_the_bit(dtype, retention, shape):
    """The fast way draws integers; records were made by comparing what `uniform_` makes of them."""
    x, mine, by_hand = torch.randn(shape, dtype=dtype), seeded(), seeded()
    kept = torch.empty_like(x).uniform_(generator=by_hand) < retention
    assert torch.equal(model.dropout(x, retention, mine), x * kept)
    assert torch.equal(mine.get_state(), by_hand.get_state())


@pytest.mark.parametrize("levels", [2**24, 500, 3])  # of the numbers: few ties, many, nothing else
@pytest.mark.parametrize("k", [1, 5, 31])
def test_places_of_codes_are_those_of_topk_to_the_bit(levels, k):
    u = torch.rand(80, 1024, generator=seeded()).mul(levels).floor()
    assert torch.equal(model._largest(u, k), u.topk(k).indices)


@pytest.mark.parametrize("retention", [0.9999999, 0.5, 1 / 3, 0.1, 2e-3])
def test_as_many_uniform_numbers_are_kept_as_the_integers_say(retention):
    uniform = torch.arange(2**24, dtype=torch.float32).mul_(2.0**-24)
    assert model._grid_below(retention) == int((uniform < retention).sum())
