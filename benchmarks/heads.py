"""Heads of real classifiers: of how many the recorder finds the layer that gives the logits.

Needs timm, torchvision or transformers; what is not installed is left out. Weights are random.
"""

from __future__ import annotations

import os
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from benchmarks.table import show
from ncengine.recorder import heads
from ncengine.recorder.heads import Head, HeadNotFound
from ncengine.recorder.looking import look
from ncengine.recorder.outputs import logits_of
from ncengine.recorder.probe import Batch
from ncengine.recorder.untouched import untouched

CLASSES = 10
SECONDS = float(os.environ.get("HEADS_SECONDS", 1500))  # of timm's, which are drawn in random order
# Larger ones run on the device without numbers alone, where a pair cannot be told.
MOST_PARAMETERS, SMALL_PARAMETERS = 250e6, 2e7
FOUND, NAMED, WRONG, BROKEN = "found", "named instead", "found wrongly", "does not run"


def main() -> None:
    """Print how many there are of each kind, and which are not found."""
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    for title, of in (("torchvision", _torchvision), ("transformers", _texts), ("timm", _timm)):
        try:
            version, made = of()
        except ImportError as error:
            print(f"{title}: left out, {error}\n")
            continue
        _show(f"{title} {version}", {name: _outcome(make) for name, make in made})


def _show(title: str, outcomes: dict[str, tuple[str, str]]) -> None:
    counts = Counter(kind for kind, _ in outcomes.values())
    several = sum(" and " in said for kind, said in outcomes.values() if kind == FOUND)
    asked = len(outcomes) - counts[BROKEN]
    share = f"{counts[FOUND] / max(asked, 1):.1%}"
    row = [asked, counts[FOUND], share, several, counts[WRONG], counts[NAMED], counts[BROKEN]]
    head = ["models", "found", "share", "of these several layers", "wrongly", "named", "do not run"]
    show(f"Heads of {title}, found by what they do", head, [row])
    left = [(name, kind, said[:160]) for name, (kind, said) in outcomes.items() if kind != FOUND]
    show("Others", ["model", "", "why"], sorted(left, key=lambda one: one[1:]))


Make = Callable[[str], tuple[nn.Module, Batch]]


def _outcome(make: Make) -> tuple[str, str]:
    """What came of looking for the head of a model, and what there is to say of it."""
    try:
        model, batch = make("meta")
        with untouched(model):
            return FOUND, str(heads.find(model, batch))
    except Exception:
        pass  # Some need numbers to run at all, pairs need them to be told.
    try:
        model, batch = make("cpu")
        with untouched(model):
            batch.call(model)
    except Exception as error:
        return BROKEN, f"{type(error).__name__}: {' '.join(str(error).split())}"
    with untouched(model):
        try:
            head = heads.find(model, batch)
        except HeadNotFound as error:
            return NAMED, " ".join(str(error).split())[:200]
        except ValueError as error:  # it gives no logits
            return BROKEN, " ".join(str(error).split())[:200]
        return (FOUND if _right(model, batch, head) else WRONG), str(head)


def _right(model: nn.Module, batch: Batch, head: Head) -> bool:
    """Whether features, matrix and bias give the logits."""
    logits = logits_of(batch.call(model), head.place)
    seen = look(model, [batch], head, {}, "mean")
    weight, bias = seen.matrices[-1]
    found = seen.joined.double() @ weight.double().T + (0 if bias is None else bias.double())
    if "log-softmax" in str(head):
        found = found.log_softmax(-1)
    elif "softmax" in str(head):
        found = found.softmax(-1)
    return bool((found - logits).abs().max() <= 1e-3 * logits.abs().max().clamp(min=1e-6))


def _timm() -> tuple[str, Iterator[tuple[str, Make]]]:
    import timm

    def making(name: str) -> Make:
        def make(device: str) -> tuple[nn.Module, Batch]:
            with torch.device("meta"):
                model = timm.create_model(name, num_classes=CLASSES)
            _, high, wide = model.pretrained_cfg.get("input_size", (3, 224, 224))
            if device == "cpu":
                if sum(p.numel() for p in model.parameters()) > MOST_PARAMETERS:
                    raise ValueError("too large to be run")
                model = timm.create_model(name, num_classes=CLASSES)
            return model, Batch((torch.randn(2, 3, high, wide, device=device),), {}, None)

        return make

    known = timm.list_models()
    names = random.Random(0).sample(known, len(known))
    return timm.__version__, _in_time((name, making(name)) for name in names)


def _in_time(models: Iterator[tuple[str, Make]]) -> Iterator[tuple[str, Make]]:
    end = time.monotonic() + SECONDS
    for model in models:
        if time.monotonic() > end:
            return
        yield model


def _torchvision() -> tuple[str, Iterator[tuple[str, Make]]]:
    import torchvision
    from torchvision import models

    def making(name: str) -> Make:
        def make(device: str) -> tuple[nn.Module, Batch]:
            with torch.device(device):
                model = models.get_model(name, num_classes=CLASSES)
                side = 299 if "inception" in name else 224
                return model, Batch((torch.randn(2, 3, side, side),), {}, None)

        return make

    names = models.list_models(module=models)
    return torchvision.__version__, ((name, making(name)) for name in names)


# What makes a configuration small, where it has a field of that name.
SMALL = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "emb_dim": 32, "embedding_size": 32,
    "num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "num_layers": 2, "encoder_layers": 2,
    "decoder_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "n_head": 4,
    "n_heads": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_heads": 4,
    "intermediate_size": 37, "d_ff": 37, "d_kv": 8, "encoder_ffn_dim": 37, "decoder_ffn_dim": 37,
    "vocab_size": 99, "max_position_embeddings": 64, "n_positions": 64, "head_dim": 8,
    "image_size": 32, "patch_size": 8, "num_experts": 4, "num_local_experts": 4, "rotary_dim": 4,
    "num_experts_per_tok": 2, "moe_intermediate_size": 16, "layer_types": None,
}  # fmt: skip


def _texts() -> tuple[str, Iterator[tuple[str, Make]]]:
    import transformers
    from transformers.models.auto import modeling_auto

    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    maps = (
        modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
        modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    )

    def making(config_class: Any, model_class: Any, image: bool) -> Make:
        def make(device: str) -> tuple[nn.Module, Batch]:
            if device == "meta":
                raise ValueError("small enough to be run")
            config = _small(config_class)
            with torch.device("meta"):
                if model_class(config).num_parameters() > SMALL_PARAMETERS:
                    raise ValueError("its configuration is not made small by what is known here")
            model = model_class(config).float()
            if image:
                side = getattr(model.config, "image_size", 64)
                side = side if isinstance(side, int) else 64
                return model, Batch((), {"pixel_values": torch.randn(3, 3, side, side)}, None)
            words = torch.randint(5, 90, (3, 7))
            mask = torch.ones_like(words)
            words[:, -1], words[1, 4] = 3, 3
            words[1, 5:], mask[1, 5:] = 1, 0
            return model, Batch((), {"input_ids": words, "attention_mask": mask}, None)

        return make

    def made() -> Iterator[tuple[str, Make]]:
        for image, mapping in enumerate(maps):
            for config_class, model_class in mapping.items():
                for one in model_class if isinstance(model_class, tuple) else (model_class,):
                    yield one.__name__, making(config_class, one, bool(image))

    return transformers.__version__, made()


def _small(config_class: Any) -> Any:
    plain = config_class()
    fields = {name: value for name, value in SMALL.items() if hasattr(plain, name)}
    return config_class(
        **fields, num_labels=CLASSES, pad_token_id=1, bos_token_id=2, eos_token_id=3
    )
