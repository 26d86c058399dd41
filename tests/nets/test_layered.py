"""Dense and convolutional layers in one net: against explicit matrices and loops, and the scale of the way down."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.nets import reversal
from reversible.nets.layered import Conv, Dense, Layered, Pool, Stage, down, one_step, round_trip
from reversible.nets.net import Net
from reversible.theory import one_step as theory


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def conv(M, K, size, taps=3, seed=1, **how):
    return Conv(drawn(K, M, taps, taps, seed=seed), 0.3 * drawn(K, seed=seed + 1), (M, *size), **how)


def with_head(*stages, classes=5):
    """A dense hidden layer and scores on top of these."""
    width = math.prod(stages[-1].gives)
    hidden = Dense(drawn(12, width, seed=8), 0.1 * drawn(12, seed=9), stages[-1].gives)
    return Layered((*stages, Stage(hidden), Stage(Dense(drawn(classes, 12, seed=10), drawn(classes, seed=11), (12,)))))


def trips_of(net, x, signed=False, known=True):
    """Of each hidden layer, by its own weights."""
    return [round_trip(net, net.weights[:n], x, signed, known) for n in range(1, len(net.hidden) + 1)]


PLAIN = {
    "stride": lambda: with_head(Stage(conv(2, 4, (9, 8), stride=2)), Stage(conv(4, 3, (4, 3), taps=2, seed=3))),
    "padding": lambda: with_head(Stage(conv(2, 4, (6, 5), padding=1)), Stage(conv(4, 3, (6, 5), padding=2, seed=3))),
    "both": lambda: with_head(Stage(conv(2, 4, (8, 9), stride=3, padding=1)), Stage(conv(4, 6, (3, 3), seed=3))),
}
POOLED = {
    "maxima": lambda: with_head(
        Stage(conv(2, 4, (8, 8), padding=1), (Pool(True, (2, 2), (8, 8)),)),
        Stage(conv(4, 3, (4, 4), padding=1, seed=3), (Pool(True, (2, 2), (4, 4)),)),
    ),
    "averages": lambda: with_head(Stage(conv(2, 4, (8, 7)), (Pool(False, (2, 2), (6, 5)),))),
    "maxima with a rest": lambda: with_head(Stage(conv(2, 4, (9, 8)), (Pool(True, (3, 2), (7, 6)),))),
    "maxima of averages": lambda: with_head(
        Stage(conv(1, 4, (10, 10)), (Pool(False, (2, 2), (8, 8)), Pool(True, (2, 2), (4, 4))))
    ),
}


# --- against explicit matrices and loops, which share no code with the library ----------------------------------------


def explicit(layer):
    """W entry by entry, in numpy."""
    w = layer.weight.numpy()
    if w.ndim == 2:
        return w
    (M, D1, D2), (K, n1, n2) = layer.given, layer.gives
    W = np.zeros((K, n1, n2, M, D1, D2))
    for k, i, j, m, a, b in itertools.product(*map(range, (K, n1, n2, M, w.shape[2], w.shape[3]))):
        row, column = i * layer.stride + a - layer.padding, j * layer.stride + b - layer.padding
        if 0 <= row < D1 and 0 <= column < D2:
            W[k, i, j, m, row, column] += w[k, m, a, b]
    return W.reshape(K * n1 * n2, M * D1 * D2)


def places_of(pool, maps, known):
    """Of each window its corner, its entries, and the one that it takes."""
    for k, i, j in itertools.product(range(len(maps)), range(pool.gives[0]), range(pool.gives[1])):
        rows = slice(i * pool.window[0], (i + 1) * pool.window[0])
        columns = slice(j * pool.window[1], (j + 1) * pool.window[1])
        window = maps[k, rows, columns]
        at = np.unravel_index(window.argmax() if known else 0, window.shape)
        yield (k, i, j), (k, rows, columns), (k, rows.start + at[0], columns.start + at[1]), window


def up_by_hand(stages, x):
    """Codes, and the maps before each pooling."""
    codes = []
    for stage in stages:
        bias = stage.read.bias.numpy()
        whole = np.repeat(bias, math.prod(stage.read.gives[1:])) if bias.ndim == 1 else bias.reshape(-1)
        h, seen = np.maximum(explicit(stage.read) @ x.reshape(-1) + whole, 0).reshape(stage.read.gives), []
        for pool in stage.pools:
            seen.append(h)
            h = np.zeros((len(h), *pool.gives))
            for place, _, _, window in places_of(pool, seen[-1], True):
                h[place] = window.max() if pool.largest else window.mean()
        codes.append((h, seen))
        x = h
    return codes


def down_by_hand(stages, codes, known=True, signed=False):
    h = codes[-1][0]
    for number, (stage, (_, seen)) in reversed(list(enumerate(zip(stages, codes, strict=True)))):
        for pool, maps in reversed(list(zip(stage.pools, seen, strict=True))):
            wide = np.zeros_like(maps)
            for place, whole, one, _ in places_of(pool, maps, known):
                wide[one if pool.largest else whole] = h[place]
            h = wide
        W = explicit(stage.read)
        sent = (2 * len(W) / (W**2).sum() * h.reshape(-1) @ W).reshape(stage.read.given)
        h = sent / 2 if signed and number == 0 else np.maximum(sent, 0)
    return h


def cosine(a, b):
    return float(a.reshape(-1) @ b.reshape(-1) / np.linalg.norm(a) / np.linalg.norm(b))


def check_against_loops(net, known=True, signed=False):
    x = drawn(3, *net.shape, seed=5) if signed else drawn(3, *net.shape, seed=5).abs()
    trips = trips_of(net, x, signed, known)
    for image, one in enumerate(x.numpy()):
        codes = up_by_hand(net.hidden, one)
        assert all(
            np.allclose(code[0].reshape(-1), ours[image].numpy().reshape(-1), atol=1e-12)
            for code, ours in zip(codes, net.up(x), strict=True)
        )
        for layer, trip in enumerate(trips, start=1):
            back = down_by_hand(net.hidden[:layer], codes[:layer], known, signed)
            again = up_by_hand(net.hidden, back)
            scores = (net.stages[-1].read.weight.numpy() @ c[-1][0] for c in (codes, again))
            kept = len({int((s + net.biases[-1].numpy()).argmax()) for s in scores}) == 1
            assert float(trip.inputs.cosine[image]) == pytest.approx(cosine(one, back), abs=1e-12)
            assert float(trip.codes.cosine[image]) == pytest.approx(cosine(codes[layer - 1][0], again[layer - 1][0]))
            assert bool(trip.same_class[image]) == kept


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("case", POOLED)
def test_up_and_down_against_loops(case, known, signed):
    check_against_loops(POOLED[case](), known, signed)


@pytest.mark.parametrize("case", PLAIN)
def test_the_same_net_as_one_of_dense_matrices(case):
    net, x = PLAIN[case](), drawn(6, *PLAIN[case]().shape, seed=5).abs()
    biases = [stage.read.bias.repeat_interleave(math.prod(stage.read.gives[1:])) for stage in net.stages]
    dense = Net(tuple(torch.from_numpy(explicit(stage.read)) for stage in net.stages), tuple(biases))
    assert all(torch.allclose(stage.read.matrix(), A) for stage, A in zip(net.stages, dense.weights, strict=True))
    for layer, trip in enumerate(trips_of(net, x), start=1):
        other = reversal.round_trip(dense, dense.weights[:layer], x.flatten(1))
        for ours, theirs in ((trip.codes, other.codes), (trip.others, other.others), (trip.inputs, other.inputs)):
            assert torch.allclose(ours.cosine, theirs.cosine, rtol=0, atol=1e-12)
            assert torch.allclose(ours.relative_error, theirs.relative_error)
            assert ours.scale == pytest.approx(theirs.scale)
        assert torch.equal(trip.same_class, other.same_class)


def not_flipped(self, z):
    return replace(self.slid, filters=self.weight.flip(2, 3)).down(z, self.given[1:])


def scale_without_padding(self):
    return 2 * len(self.weight) / self.weight.square().sum()


def switches_of_another_image(self, h, places, known=True, right=Pool.down):
    return right(self, h, places.roll(1, 0) if places is not None else None, known)


FAULTS = {
    "filters not flipped": (Conv, "transposed", not_flipped),
    "a scale of filters alone": (Conv, "scale", scale_without_padding),
    "switches of another image": (Pool, "down", switches_of_another_image),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_seen(fault, monkeypatch):
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises(AssertionError):
        check_against_loops(POOLED["maxima"]())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_dense_net_gives_the_same_bits_as_before(dtype):
    weights = tuple(drawn(m, n, seed=m).to(dtype) for n, m in itertools.pairwise((40, 30, 20, 5)))
    net, x = Net(weights, tuple(0.1 * drawn(len(A), seed=1).to(dtype) for A in weights)), drawn(7, 40, seed=2).to(dtype)
    for signed in (False, True):
        for layer, trip in enumerate(trips_of(Layered.of(net), x, signed), start=1):
            other = reversal.round_trip(net, weights[:layer], x, signed=signed)
            assert torch.equal(trip.codes.cosine, other.codes.cosine)
            assert torch.equal(trip.inputs.relative_error, other.inputs.relative_error)
            assert trip.codes.scale == other.codes.scale


def test_codes_that_are_known_are_used():
    net, x = POOLED["maxima"](), drawn(4, 2, 8, 8, seed=5).abs()
    given = round_trip(net, net.weights[:2], x, codes=net.way_up(x))
    assert torch.equal(given.codes.cosine, round_trip(net, net.weights[:2], x).codes.cosine)


# --- the scale --------------------------------------------------------------------------------------------------------


def gains(layer, z, draws=1500):
    """Of each draw of the filters <W relu(alpha W^T z), z> / |z|^2."""
    found = []
    for seed in range(draws):
        one = replace(layer, weight=drawn(*layer.weight.shape, seed=1000 + seed))
        back = one.linear(torch.relu(one.scale() * one.transposed(z)))
        found.append(float((back * z).sum() / z.square().sum()))
    return np.mean(found), np.std(found) / math.sqrt(draws)


@pytest.mark.parametrize("how", [{}, {"stride": 2}, {"padding": 1}, {"padding": 2, "stride": 2}, {"taps": 1}], ids=str)
def test_the_mean_gain_is_one(how):
    """For a code with the same entry on all units of some filters, so that each place counts as much."""
    layer = conv(3, 8, (6, 7), **how)
    z = torch.zeros(1, *layer.gives, dtype=torch.float64)
    z[:, :3] = 1.0
    mean, error = gains(layer, z)
    assert abs(mean - 1) < 4 * error < 0.2
    if "padding" in how:
        too_large = float(scale_without_padding(layer) / layer.scale())
        assert abs(too_large * mean - 1) > 4 * error


def test_the_gain_is_one_behind_switches():
    layer = conv(3, 8, (8, 8))
    stage, h = Stage(layer, (Pool(True, (2, 2), (6, 6)),)), drawn(1, 8, 3, 3, seed=4).abs()
    z = stage.unpooled(h, stage.up(drawn(1, 3, 8, 8, seed=6)).places)
    mean, error = gains(layer, z)
    assert abs(mean - 1) < 4 * error < 0.1


def test_one_place_is_a_dense_layer():
    A, b = drawn(6, 5), drawn(6)
    one, dense = Conv(A[:, :, None, None], b, (5, 1, 1)), Dense(A, b, (5,))
    x = drawn(4, 5, seed=3)
    assert float(one.scale()) == pytest.approx(float(dense.scale()), rel=1e-15)
    assert torch.allclose(one.up(x[:, :, None, None]).flatten(1), dense.up(x))
    assert torch.allclose(one.lengths().flatten(), dense.lengths())


# --- pooling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("largest", [True, False])
def test_what_is_unpooled_pools_to_the_same(largest, known):
    pool, h = Pool(largest, (2, 3), (7, 7)), drawn(2, 4, 7, 7).abs()
    values, places = pool.up(h)
    assert tuple(values.shape[2:]) == pool.gives == (3, 2)
    wide = pool.down(values, places, known)
    assert wide.shape == h.shape
    assert torch.allclose(pool.up(wide)[0], values)
    assert not wide[:, :, 6:].any()
    assert not wide[:, :, :, 6:].any()


def test_codes_and_layers_that_do_not_match():
    net = POOLED["maxima"]()
    codes = net.way_up(drawn(2, *net.shape))
    assert "codes must be of the 2 layers to go down" in refusal(lambda: down(net.hidden[:2], codes))
    assert "layers must be an integer from 1 to 3, not 4" in refusal(lambda: net.up(drawn(2, *net.shape), 4))


# --- one step ---------------------------------------------------------------------------------------------------------


def test_one_step_of_random_weights_is_on_the_law():
    n, N = 400, 600
    W, x = drawn(N, n, seed=1) / math.sqrt(n), drawn(5, n, seed=2)
    W = W / W.norm(dim=1, keepdim=True)
    found, law = one_step(Stage(Dense(W, torch.zeros(N, dtype=torch.float64), (n,))), x)
    kept = torch.relu(x @ W.mT)
    for e, ours in zip(kept.square().sum(1) / x.square().sum(1), law, strict=True):
        assert float(ours) == pytest.approx(theory.cosine(float(e)))
    assert torch.allclose(found, torch.cosine_similarity(x, kept @ W))
    assert float((found - law).abs().max()) < 0.02


def test_with_biases_and_switches_the_law_still_holds_for_random_weights():
    n = 500
    for shift in (-1.0, 1.0):
        stage = Stage(Dense(drawn(700, n, seed=1), torch.full((700,), shift * math.sqrt(n), dtype=torch.float64), (n,)))
        found, law = one_step(stage, drawn(20, n, seed=2))
        assert float((found - law).mean().abs()) < 0.01


def test_filters_that_are_alike_fall_below_the_law():
    x, common = drawn(8, 3, 8, 8, seed=2), drawn(1, 3, 3, 3, seed=3)
    own = conv(3, 16, (8, 8))
    gaps = []
    for alike in (0.0, 1.0):
        found, law = one_step(Stage(replace(own, weight=own.weight + alike * common), (Pool(True, (2, 2), (6, 6)),)), x)
        gaps.append(float((found - law).mean()))
    assert gaps[1] < gaps[0] - 0.05
    assert abs(gaps[0]) < 0.1


def test_nothing_comes_of_nothing():
    stage = Stage(conv(2, 3, (5, 5)))
    found, law = one_step(stage, torch.zeros(2, 2, 5, 5, dtype=torch.float64))
    assert not found.any()
    assert not law.any()
    zero = Stage(replace(stage.read, weight=torch.zeros_like(stage.read.weight)))
    assert float(zero.read.scale()) == 0
