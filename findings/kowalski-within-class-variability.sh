#!/bin/sh
# kowalski 0.0.2 (metrics of learned representations) with torch 2.13.0: `within_class_variability`.
#
# Its docstring names Zhu et al. 2021, whose NC1 is the trace of the within-class covariance times
# the pseudo-inverse of the covariance of the class means, divided by the number of classes. Guessed:
# that number, which falls with the square of the samples' distance from their means, and is the same
# where each sample is there twice. Seen: where classes are drawn together to a hundredth, it stays
# within 5 %, and where each sample is there twice it is half as large. What is inverted is the
# scatter of all samples about the global mean, summed over samples and divided by the number of
# classes; the within-class scatter is divided by the number of samples. In the directions in which
# class means do not differ the two cancel, and what is left counts dimensions and samples.
#
# Output seen on 2026-11-29 (four classes of 30 samples in 16 dimensions, float64):
#   spread 1: NC1 0.222, kowalski 0.1135
#   spread 0.01: NC1 2.21e-05, kowalski 0.1083
#   each sample twice: NC1 1.00 times, kowalski 0.50 times as large
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    kowalski==0.0.2 torch==2.13.0 numpy==2.4.6 einops==0.8.2 jaxtyping==0.3.11
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'PYTHON'
import numpy as np
import torch
from kowalski.neural_collapse import within_class_variability

rng = np.random.default_rng(0)
means = rng.standard_normal((4, 1, 16))
noise = rng.standard_normal((4, 30, 16))


def nc1(features):
    means = features.mean(1)
    away = features - means[:, None]
    within = np.einsum("kni,knj->ij", away, away) / away[..., 0].size
    between = np.cov(means.T, bias=True)
    return np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / len(means)


def both(features):
    return nc1(features), float(within_class_variability(list(torch.from_numpy(features))))


for spread in (1, 0.01):
    one, other = both(means + spread * noise)
    print(f"spread {spread}: NC1 {one:.3g}, kowalski {other:.4f}")
once = np.array(both(means + 0.1 * noise))
twice = np.array(both(np.tile(means + 0.1 * noise, (1, 2, 1))))
one, other = twice / once
print(f"each sample twice: NC1 {one:.2f} times, kowalski {other:.2f} times as large")
PYTHON
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
spread 1: NC1 0.222, kowalski 0.1135
spread 0.01: NC1 2.21e-05, kowalski 0.1083
each sample twice: NC1 1.00 times, kowalski 0.50 times as large
SEEN
