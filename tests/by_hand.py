"""Training in float64 numpy: no autograd, and of the library only the first weights and the random generators."""

import numpy as np
import torch

from reversible import data
from reversible.base.runtime import trial_generator
from reversible.training import stack


def relu(y):
    return np.maximum(y, 0)


def same_length(like, x):
    length, its = (np.linalg.norm(v, axis=1, keepdims=True) for v in (like, x))
    return x * length / np.where(its > 0, its, 1)


def kept(shape, retention, generator):
    """Ones where an entry stays, drawn in single precision as the library draws."""
    if retention == 1:
        return np.ones(shape)
    return (torch.rand(shape, generator=generator) < retention).double().numpy()


def inputs(p, images):
    """All training images as the net is shown them, (N, n)."""
    x = images.pixels.double().numpy() / images.white
    return (x - x.mean()) / x.std() if p.inputs == "standard" else x  # of one channel


def gradients(weights, biases, x, labels, masks):
    """Of the mean cross entropy; masks are what each hidden code is multiplied by."""
    codes, slopes_of_codes, y = [x], [], x
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        y = codes[-1] @ W.T + b
        mask = masks[i] if i < len(masks) else 1
        slopes_of_codes.append((y > 0) * mask)
        codes.append(relu(y) * mask)
    share = np.exp(y - y.max(1, keepdims=True))
    slope = (share / share.sum(1, keepdims=True) - np.eye(10)[labels]) / len(x)
    of_weights, of_biases = [], []
    for layer in reversed(range(len(weights))):
        of_weights.insert(0, slope.T @ codes[layer])
        of_biases.insert(0, slope.sum(0))
        slope = (slope @ weights[layer]) * (slopes_of_codes[layer - 1] if layer else 1)
    return of_weights + of_biases


def synthetic(p, weights, biases, x, noise):
    """Images sent up to p.shadow.source and down by the transposed weights."""
    source, rho, h = p.shadow.source, p.shadow.rho, x
    for W, b in list(zip(weights, biases, strict=True))[:source]:
        h = relu(h @ W.T + b)
    for layer in reversed(range(source)):
        W = weights[layer]
        linear = layer == 0 and p.inputs == "standard"
        alpha = 2 * len(W) / (rho * (W**2).sum())
        h = alpha / 2 * h @ W if linear else relu(alpha * h @ W)
        h = h * kept(h.shape, rho, noise)
    return same_length(x, h) if p.shadow.scale == "norm" else h


def batches(p, count, order):
    """Places of images: each pass in new order, the rest short of a batch left out."""
    while True:
        places = torch.randperm(count, generator=order).numpy()
        yield from (places[at : at + p.batch] for at in range(0, count - p.batch + 1, p.batch))


def trained_by_hand(p, becomes=lambda x, labels, noise: (x, labels)):
    """Weights (out, in), then biases, of p's only seed after p.steps, trained on all images there are.

    `becomes` is what a batch becomes before anything else: x (B, n), labels (B,).
    """
    images = data.load(p.data, train=True)
    order, noise = (trial_generator(p.seeds[0], stream) for stream in (stack.ORDER, stack.NOISE))
    net = stack.initial((images.pixels.shape[1], *p.hidden, images.classes), order)
    values = [value.double().numpy() for value in (*net.weights, *net.biases)]
    shown, labels, places = inputs(p, images), images.labels.numpy(), batches(p, len(images.labels), order)
    layers, speeds = len(net.weights), [0.0] * len(values)
    for step in range(p.steps):
        batch = next(places)
        x, own = becomes(shown[batch], labels[batch], noise)
        if p.shadow and step >= p.shadow.start:
            some = x[: round(p.shadow.share * p.batch)]
            made = synthetic(p, values[:layers], values[layers:], some, noise)
            x, own = np.concatenate([x, made]), np.concatenate([own, own[: len(made)]])
        stays = 1 - p.dropout
        masks = [kept((len(x), width), stays, noise) / stays for width in p.hidden]
        slopes = gradients(values[:layers], values[layers:], x, own, masks)
        speeds = [0.9 * speed + slope for speed, slope in zip(speeds, slopes, strict=True)]
        values = [value - p.lr * speed for value, speed in zip(values, speeds, strict=True)]
    return values
