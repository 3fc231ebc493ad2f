#!/bin/sh
# timm 1.0.31 with torch 2.13.0: features from `forward_head(…, pre_logits=True)`, rows from `get_classifier`.
#
# Guessed: the one applied to the other gives the logits, whatever the model, so that features and rows, of
# which NC2 and NC3 speak, belong together. Seen: so it is of most, but a head may be a BatchNorm and a linear
# layer. The features then are those before the BatchNorm, and `get_classifier` is the pair of LeViT and
# RepViT, but the linear layer alone of EfficientViT (MSRA) and SHViT: their features are centred and scaled
# by dimension in between, which changes norms and angles. Shapes fit, and nothing is said; of EfficientViT
# with random weights the likeliest class is another for most samples. A hook on the linear layer sees what it reads.
#
# Output seen on 2026-11-30: that at the end of this file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  torch==2.13.0 torchvision==0.28.0 timm==1.0.31 numpy
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" -W ignore > "$folder/seen" 2> "$folder/said" <<'PYTHON' \
  || { cat "$folder/said"; exit 1; }
import torch

try:
    import torchvision
except RuntimeError:
    # A torchvision built for CUDA beside a PyTorch for processors lacks its operators, of which none is used.
    for op in ("nms", "qnms"):
        torch.library.define(f"torchvision::{op}", "(Tensor dets, Tensor scores, float t) -> Tensor")
import timm

torch.manual_seed(0)
NAMES = "resnet18 vit_tiny_patch16_224 convnext_atto repvit_m0_9 levit_128 efficientvit_m0 shvit_s1"
ALONE = {"repvit_m0_9": {"distillation": False}, "levit_128": {"distilled": False}}
for name in NAMES.split():
    model = timm.create_model(name, num_classes=10, **ALONE.get(name, {}))
    images = torch.randn(8, *model.pretrained_cfg["input_size"])
    with torch.no_grad():
        for _ in range(20):  # so that BatchNorms have seen what features are like
            model.train()(images)
        logits = model.eval()(images)
        features = model.forward_head(model.forward_features(images), pre_logits=True)
        classifier = model.get_classifier()
        same = torch.allclose(classifier(features), logits, atol=1e-4, rtol=1e-4)
    print(f"{name}: {type(classifier).__name__}, {'the logits' if same else 'others'}")
PYTHON
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
resnet18: Linear, the logits
vit_tiny_patch16_224: Linear, the logits
convnext_atto: Linear, the logits
repvit_m0_9: RepVitClassifier, the logits
levit_128: NormLinear, the logits
efficientvit_m0: Linear, others
shvit_s1: Linear, others
SEEN
