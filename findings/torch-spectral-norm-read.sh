#!/bin/sh
# torch 2.13.0: measuring how rows of a last layer with spectral norm line up (NC3), between two steps
# of its training.
#
# Guessed: to read `head.weight` changes nothing, least of all under no_grad. Seen: of
# torch.nn.utils.parametrizations.spectral_norm every read in training mode makes a step of the power
# iteration, which moves a buffer, and so the weights that training ends with; no_grad is no help, and
# hasattr(head, "weight"), by which a tool looks whether a layer is a linear one, is such a read.
# state_dict and repr move nothing, nor does a read in evaluation mode, nor any read of the older
# torch.nn.utils.spectral_norm, which steps in forward alone.
#
# Output seen on 2026-11-30: that at the end of this file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore > "$folder/seen" <<'PYTHON'
import torch
from torch import nn
from torch.nn.functional import cross_entropy

LOOKS = {
    "hasattr": lambda head: hasattr(head, "weight"),
    "read without gradients": lambda head: torch.no_grad()(lambda: head.weight)(),
    "read in evaluation mode": lambda head: (head.eval().weight, head.train()),
    "state_dict": lambda head: head.state_dict(),
    "repr": repr,
}


def trained(norm, look):
    """The head's bias after ten steps, before each of which it is looked at."""
    torch.manual_seed(0)
    x, y = torch.randn(200, 64), torch.arange(200) % 10
    head = norm(nn.Linear(64, 10))
    steps = torch.optim.SGD(head.parameters(), 0.5)
    for _ in range(10):
        look(head)
        steps.zero_grad()
        cross_entropy(head(x), y).backward()
        steps.step()
    return head.bias.detach()


for norm in (nn.utils.parametrizations.spectral_norm, nn.utils.spectral_norm):
    alone = trained(norm, lambda head: None)
    for name, look in LOOKS.items():
        same = torch.equal(alone, trained(norm, look))
        print(f"{norm.__module__}, {name}: training is {'the same' if same else 'another'}")
PYTHON
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
torch.nn.utils.parametrizations, hasattr: training is another
torch.nn.utils.parametrizations, read without gradients: training is another
torch.nn.utils.parametrizations, read in evaluation mode: training is the same
torch.nn.utils.parametrizations, state_dict: training is the same
torch.nn.utils.parametrizations, repr: training is the same
torch.nn.utils.spectral_norm, hasattr: training is the same
torch.nn.utils.spectral_norm, read without gradients: training is the same
torch.nn.utils.spectral_norm, read in evaluation mode: training is the same
torch.nn.utils.spectral_norm, state_dict: training is the same
torch.nn.utils.spectral_norm, repr: training is the same
SEEN
