"""What is drawn beside full matrices, and what is read off runs on made-up ones."""

import json
import math

import mpmath as mp
import numpy as np
import pytest
import torch

from accessible import violations
from reversible.base.checks import InputError
from reversible.papers.hayou2019 import plane
from reversible.papers.hayou2019.experiments import finite, maps, training
from reversible.papers.hayou2019.laws import S, extra_fall, fall, relu_root
from reversible.papers.hayou2019.nets import ActedRun, Begin
from reversible.papers.hayou2019.reach import reach
from reversible.records.record import book_folder
from reversible.theory.activations import activation
from reversible.theory.edges import edge, fixed_points
from reversible.theory.mean_field import Field


def test_two_numbers_a_neuron_draw_what_a_matrix_draws():
    """Second moments of the next preactivations, over many weights of one pair of inputs."""
    rng = np.random.default_rng(1)
    x, y = finite.begun(1, 20, 1.3, 0.4, rng)
    assert np.square(x).mean() == pytest.approx(1.3)
    assert (x * y).mean() == pytest.approx(0.4 * 1.3)
    a, b = (np.tanh(v[0]) for v in (x, y))
    W = rng.standard_normal((60_000, 20)) * math.sqrt(1.7 / 20)
    bias = 0.3 * rng.standard_normal(60_000)
    by_matrix = np.cov(np.stack([W @ a + bias, W @ b + bias]))
    many = [np.repeat(v, 60_000 // 20 * 1, axis=0) for v in (x, y)]
    u, v = finite.next_layer(many[0], many[1], 1.7, 0.3, np.tanh, rng)
    by_pairs = np.cov(np.stack([u.ravel(), v.ravel()]))
    assert by_pairs == pytest.approx(by_matrix, abs=0.03)


def test_the_extra_fall_is_that_of_drawn_layers_with_full_matrices():
    rng, n = np.random.default_rng(3), 24
    x, e = np.eye(n)[:2]
    falls = []
    for _ in range(30_000):
        W = rng.standard_normal((n, n)) * math.sqrt(2 / n)
        a, b = (np.maximum(W @ z, 0) for z in (x, x + 1e-6 * e))
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        falls.append(2 * math.log(1e-6 / (np.linalg.norm(a - b) * np.linalg.norm(a + b) / 2)))
    error = np.std(falls) / math.sqrt(len(falls))
    assert abs(np.mean(falls) - extra_fall(n)) < 4 * error
    assert error < 0.1 * extra_fall(n)
    assert 1000 * extra_fall(1000) == pytest.approx(2, abs=0.02)


def test_the_wide_fall_is_the_closed_form_of_relu_in_multi_precision():
    for angle in (1.5, 0.5, 2e-3, 5e-4, 1e-7):
        with mp.workdps(60):
            c = mp.cos(mp.mpf(angle))
            after = (mp.sqrt(1 - c * c) + (mp.pi - mp.mpf(angle)) * c) / mp.pi
            wanted = mp.log((1 - c * c) / (1 - after**2))
        log = np.array([2 * math.log(math.sin(angle))])
        assert finite.wide_fall(log)[0] == pytest.approx(float(wanted), rel=1e-5, abs=1e-9)
    assert fall(np.array(1e-3)) == pytest.approx(finite.wide_fall(np.array([2 * math.log(1e-3)]))[0], rel=2e-3)


def test_the_law_with_its_logarithm_is_that_of_multi_precision_far_out():
    with mp.workdps(30):
        d, roots = mp.mpf("0.5"), {}
        for layer in range(1, 8001):
            c = 1 - d
            d = 1 - (mp.sqrt(1 - c * c) + (mp.pi - mp.acos(c)) * c) / mp.pi
            if layer in (4000, 8000):
                roots[layer] = float(1 / mp.sqrt(d))
    constant = roots[8000] - relu_root(np.array([8000.0]), 0.0)[0]
    assert relu_root(np.array([4000.0]), constant)[0] == pytest.approx(roots[4000], abs=3e-3)
    assert constant == pytest.approx(0.966, abs=2e-3)
    assert pytest.approx(9 * math.pi**2 / 2) == 4 / S**2


def test_rates_are_read_off_made_up_paths():
    layers = maps.seen(20_000)
    gaps = tuple(3.0 / layer**2 for layer in layers)
    r = maps.PathResult(layers, gaps, 2, 3.0)
    assert maps.exponent(r) == pytest.approx(-2)
    assert maps.over_rate(r, 2000) == pytest.approx(1)
    near = maps.PathResult(layers, tuple(2 / layer * (1 + layer**-0.5) for layer in layers), 1, 2.0)
    assert maps.approach(near) == pytest.approx(-0.5)
    exact = maps.PathResult(layers, tuple(float(u**-2) for u in relu_root(np.array(layers, float), 0.7)), 2, 4 / S**2)
    assert maps.limit_by_slope(exact) == pytest.approx(4 / S**2)


def test_the_plane_of_pictures_is_that_of_exact_maps():
    a = activation("tanh")
    s_w, s_b = np.array([1.0, 2.0]), np.array([0.2, 0.3])
    fields = [Field(a, w, b) for w, b in zip(s_w, s_b, strict=True)]
    exact = [field.at(fixed_points(field)[0].q).depth_scale() for field in fields]
    assert plane.depth_scales(a, s_w, s_b) == pytest.approx(exact, rel=1e-4)
    for name in ("tanh", "elu", "relu"):
        on = edge(activation(name), 0.0 if name == "relu" else 0.3)
        by_hermite = plane.followed(activation(name), np.array([on.s_w]), np.array([on.s_b]), (0.5,), 20)[:, 0, 0]
        wanted = Field(activation(name), on.s_w, on.s_b).gaps(0.5, 1.0, 20)
        assert by_hermite == pytest.approx(wanted, abs=4e-3)


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", training.ARMS)
def test_nets_begin_with_the_variances_of_the_map(arm):
    p = training.Deep(arm, 0.01, "digits", 200, 100, 200, 4, 2, 1, (1, 2, 3))
    begin = training.begin_of(arm)
    run = ActedRun(training.training_of(p), begin, ())
    x = run.stack.images.inputs(run.stack.images.pixels[:200]).expand(3, -1, -1)
    net = run.stack.net
    phi = {"relu": torch.relu, "tanh": torch.tanh, "elu": torch.nn.functional.elu, "swish": torch.nn.functional.silu}[
        begin.name
    ]
    field, q = Field(activation(begin.name), begin.s_w, begin.s_b), begin.q
    for place, (A, b) in enumerate(zip(net.weights[:-1], net.biases[:-1], strict=True)):
        x = torch.baddbmm(b[:, None], x, A.mT)
        assert float(x.detach().square().mean()) == pytest.approx(q, rel=0.25), place
        x, q = phi(x), field.variance(q)
    logits = run.stack.net.logits(run.stack.images.inputs(run.stack.images.pixels[:200]).expand(3, -1, -1))
    assert torch.equal(logits, torch.baddbmm(net.biases[-1][:, None], x, net.weights[-1].mT))


def test_a_curve_chooses_by_its_tuning_nets_and_is_told_by_the_others():
    held = np.array([[0.5, 0.5, 0.9, 0.9], [0.2, 0.6, 0.1, 0.1]])
    cells = [training.Deep("tanh", rate, "digits", 1, 1, 1, 1, 1, 2, (1, 2, 3, 4)) for rate in (0.1, 0.2)]
    runs = [
        (p, training.DeepResult((0, 1), ((0.9,) * 4, tuple(0.3 + row)), ((0.9,) * 4, tuple(row))))
        for p, row in zip(cells, held, strict=True)
    ]
    own = training.curve(runs, training.at_end)
    assert own.best(np.array([[0, 1], [1, 1]])).tolist() == [1, 0]
    assert own.error(np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 1]])) == pytest.approx([0.4, 1.2])
    assert training.along(np.array([[1.0], [0.0], [0.0]]), (0, 1, 2)) == pytest.approx([0.25])
    with pytest.raises(InputError, match="activation must be one of"):
        Begin("cosine", 1, 0, 1)


# --- the picture that a reader moves ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown():
    return reach()


def test_what_is_shown_is_what_was_computed(shown):
    data = shown.value
    assert (
        json.loads(shown.content.split("data-part='data'>")[1].split("</script>")[0])["nets"].keys()
        == data["nets"].keys()
    )
    assert data["nets"]["softplus"]["edge"] == []
    assert data["nets"]["relu"]["edge"] == [(1.414, 0.0)]
    deep = np.array(data["nets"]["tanh"]["left"])[-2]  # at a hundred layers
    on = edge(activation("tanh"), data["s_b"][2])
    column = int(np.abs(np.array(data["s_w"]) - on.s_w).argmin())
    row = deep.reshape(len(data["s_b"]), -1)[2]
    assert row[column] >= row.max() - 2
    assert row[0] == row[2] == 0


def test_a_reader_picks_an_activation_and_a_depth(browser, shown):
    script, style = ((book_folder() / "_static" / name).read_text() for name in ("reach.js", "reversible.css"))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    head = f"<meta charset='utf-8'><title>x</title><style>{style}</style><script>{script}</script>"
    page.set_content(
        f"<!doctype html><html lang='en'><head>{head}</head><body><main>{shown.content}</main></body></html>"
    )
    squares = "[data-part='plane'] rect"
    assert page.locator(squares).count() == len(shown.value["s_w"]) * len(shown.value["s_b"])
    page.select_option("[data-part='name']", "softplus")
    assert page.inner_text("[data-part='says']").endswith("It has no edge.")
    page.eval_on_selector("[data-part='depth']", "s => { s.value = 0; s.dispatchEvent(new Event('input')); }")
    assert page.inner_text("[data-part='depth-is']") == "1 layer"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    serious = [v for v in violations(page, "light", ".rv-reach") if v["impact"] in ("serious", "critical")]
    assert [v["id"] for v in serious] == []
    page.close()
