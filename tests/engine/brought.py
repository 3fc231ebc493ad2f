"""Features, labels and weights as researchers save them, for tests."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ncengine import own

CLASSES, SAMPLES, WIDTH, STEPS = 3, 24, 5, 3


def arrays(seed=0):
    """Of three snapshots: features (T, N, d), labels (N,), weight (T, K, d), bias (T, K)."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(SAMPLES) % CLASSES)
    features = rng.normal(size=(STEPS, SAMPLES, WIDTH)) + 3 * np.eye(CLASSES, WIDTH)[labels]
    weight = rng.normal(size=(STEPS, CLASSES, WIDTH)) + np.eye(CLASSES, WIDTH)
    return {
        "features": features.astype(np.float32),
        "labels": labels,
        "weight": weight.astype(np.float32),
        "bias": rng.normal(size=(STEPS, CLASSES)).astype(np.float32),
    }


def npz(**parts):
    file = io.BytesIO()
    np.savez(file, **parts)
    return file.getvalue()


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **options)
    return file.getvalue()


def csv(features, labels, **columns):
    """A row a sample, each number to the bit."""
    names = [f"f{n}" for n in range(features.shape[1])]
    lines = [",".join([*names, "label", *columns])]
    for n, row in enumerate(features):
        more = [str(one[n]) for one in columns.values()]
        lines.append(",".join([*(repr(float(value)) for value in row), str(labels[n]), *more]))
    return ("\n".join(lines) + "\n").encode()


def table(features, labels, **columns):
    names = {f"f{n}": features[:, n] for n in range(features.shape[1])}
    return pa.table({**names, "label": labels, **columns})


def parquet(of, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(of, file, **options)
    return file.getvalue()


def files(contents):
    """As `own.read` takes them, of bytes by name."""
    return [(name, io.BytesIO(content)) for name, content in contents.items()]


def read(**contents):
    """Of bytes by name, in which two underscores stand for a dot."""
    return own.read(files({name.replace("__", "."): one for name, one in contents.items()}))


def refusal(**contents):
    with pytest.raises(ValueError) as caught:
        read(**contents)
    said = str(caught.value)
    assert len(said) < 300 and "\n" not in said
    return said
