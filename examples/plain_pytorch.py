"""A network of your own, and its neural collapse: two lines in a plain training loop."""

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import ncengine

digits = load_digits()
data = TensorDataset(torch.tensor(digits.data / 16).float(), torch.tensor(digits.target))
loader = DataLoader(data, batch_size=64, shuffle=True)
hidden = (torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()) for _ in range(4))
model = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 10))
optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-3)

rec = ncengine.Recorder(model, probe=loader)
for epoch in range(30):
    for inputs, labels in loader:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimiser.step()
    seen = rec.snapshot(epoch, loss=loss)
    print(f"{epoch:3d}  NC1 {seen.nc1:.4f}  CDNV {seen.cdnv:.4f}  NC4 {seen.nc4:.4f}")
rec.save("digits.csv")
