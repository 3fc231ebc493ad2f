"""A network in JAX, and its neural collapse: what the last layer reads is observed as it is."""

import jax
import jax.numpy as jnp
from sklearn.datasets import load_digits

import ncengine

digits = load_digits()
inputs, labels = jnp.asarray(digits.data / 16), jnp.asarray(digits.target)
keys = jax.random.split(jax.random.key(0), 3)
sizes = [(64, 64), (64, 64), (64, 10)]
layers = [jax.random.normal(k, size) / 8 for k, size in zip(keys, sizes, strict=True)]


def features_of(layers, inputs):
    for weight in layers[:-1]:
        inputs = jax.nn.relu(inputs @ weight)
    return inputs


def loss_of(layers, inputs, labels):
    chances = jax.nn.log_softmax(features_of(layers, inputs) @ layers[-1])
    return -jnp.take_along_axis(chances, labels[:, None], axis=1).mean()


@jax.jit
def step(layers, inputs, labels):
    loss, slopes = jax.value_and_grad(loss_of)(layers, inputs, labels)
    return [w - 0.5 * (g + 1e-3 * w) for w, g in zip(layers, slopes, strict=True)], loss


rec = ncengine.Recorder()
for epoch in range(30):
    for at in range(0, len(labels), 100):
        layers, loss = step(layers, inputs[at : at + 100], labels[at : at + 100])
    seen = rec.observe(features_of(layers, inputs), labels, layers[-1].T, step=epoch, loss=loss)
    print(f"{epoch:3d}  NC1 {seen.nc1:.4f}  CDNV {seen.cdnv:.4f}  NC4 {seen.nc4:.4f}")
rec.save("digits.csv")
