"""Lightning: the collapse of a module, by one callback."""

import lightning
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

from ncengine.recorder.lightning import CollapseCallback


class Digits(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        hidden = (torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()) for _ in range(3))
        self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 10))

    def forward(self, inputs):
        return self.net(inputs)

    def training_step(self, batch):
        return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-3)


digits = load_digits()
data = TensorDataset(torch.tensor(digits.data / 16).float(), torch.tensor(digits.target))
loader = DataLoader(data, batch_size=64, shuffle=True)
collapse = CollapseCallback(probe=loader, every=5)
quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
trainer = lightning.Trainer(max_epochs=20, callbacks=[collapse], accelerator="cpu", **quiet)
trainer.fit(Digits(), loader)
for seen in collapse.snapshots:
    print(f"{seen.step:3.0f}  NC1 {seen.nc1:.4f}  CDNV {seen.cdnv:.4f}  NC4 {seen.nc4:.4f}")
collapse.recorder.save("digits.csv")
