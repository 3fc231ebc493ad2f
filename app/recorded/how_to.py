"""How to record a network of one's own: code to copy, for what it is trained with."""

from __future__ import annotations

import streamlit as st

PYTORCH = """\
import ncengine

rec = ncengine.Recorder(model, probe=loader, name="resnet18 on my data")
for epoch in range(epochs):
    train(model, loader)
    rec.snapshot(epoch)  # with loss=loss, or what else you like to see
rec.close()
"""
LIGHTNING = """\
from ncengine.recorder.lightning import CollapseCallback

collapse = CollapseCallback(probe=loader, every=1, name="resnet18 on my data")
trainer = lightning.Trainer(max_epochs=epochs, callbacks=[collapse])
trainer.fit(module, loader)
"""
TRANSFORMERS = """\
from ncengine.recorder.transformers import CollapseCallback

probe = DataLoader(dataset, 64, shuffle=True, collate_fn=collator)
collapse = CollapseCallback(probe=probe, every=1, name="bert on my texts")
trainer = Trainer(model, arguments, train_dataset=dataset, callbacks=[collapse])
trainer.train()
"""
JAX = """\
import ncengine

rec = ncengine.Recorder(name="my network in JAX")
for epoch in range(epochs):
    params = train(params)
    # What the last layer reads (N, d), classes (N,), and that layer (K, d): Flax has (d, K).
    rec.observe(features(params, x), y, params["head"]["kernel"].T, params["head"]["bias"])
rec.close()
"""
FILES = """\
import numpy as np

# Or as .csv or .parquet: a row a sample, a column "label". Several steps: (T, N, d) and (T, K, d).
np.savez("my network.npz", features=features, labels=labels, weight=weight, bias=bias)
"""
_LAYERS = (
    '`layers=["layer2", "layer3"]` measures further modules, `test=` and `ood=` further samples, '
    "`weight_decay=` asks for gap and floor, where the theorems’ assumptions hold, `class_names=` "
    "names the classes. The model is left as it is, and training is the same to the bit."
)
# By what one trains with: the code, its language, and what to know.
WAYS = {
    "PyTorch": (PYTORCH, _LAYERS),
    "Lightning": (LIGHTNING, "The callback takes all that `Recorder` takes."),
    "Hugging Face": (TRANSFORMERS, "The callback takes all that `Recorder` takes."),
    "JAX": (JAX, "Nothing is hooked: this is for compiled models too, and for any other library."),
    "Files": (FILES, 'To be brought here, or read by `ncengine record "my network.npz"`.'),
}


def draw(folder: str) -> None:
    """Code in tabs; `folder` is where this page looks, "" where that is nobody's business."""
    for tab, (code, words) in zip(st.tabs(list(WAYS)), WAYS.values(), strict=True):
        with tab:
            st.code(code, language="python")
            st.caption(words)
    where = f" It is kept in `{folder}`, where this page looks." if folder else ""
    st.caption(f"With a `name` it is shown here, live.{where}")
