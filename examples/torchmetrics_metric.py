"""torchmetrics: collapse of features that come by batches, as one metric among others."""

import torch
from sklearn.datasets import load_digits

from ncengine.recorder.torchmetrics import Collapse

digits = load_digits()
inputs, labels = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
hidden = (torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()) for _ in range(4))
body, head = torch.nn.Sequential(*hidden), torch.nn.Linear(64, 10)
parameters = [*body.parameters(), *head.parameters()]
optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=2e-3)
collapse = Collapse(classes=10, width=64)

for epoch in range(30):
    for batch in torch.randperm(len(inputs)).split(64):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(head(body(inputs[batch])), labels[batch]).backward()
        optimiser.step()
    collapse.reset()
    for batch in torch.arange(len(inputs)).split(256):
        collapse.update(body(inputs[batch]), labels[batch])
    found = collapse.compute(head.weight)
    print(f"{epoch:3d}  NC1 {found['nc1']:.4f}  NC1 (pinv) {found['nc1_pinv']:.4f}")
