#!/bin/sh
# transformers 5.24.0 with torch 2.13.0: the features of the last layer, out of `output_hidden_states`.
#
# Collapse is measured on what the classifier reads. Guessed: the last of `hidden_states` is that, of every
# model, as it is of those for text: the same numbers as `last_hidden_state`, the last norm included. Seen: of
# ViT, DeiT, DINOv2, I-JEPA, SigLIP and Swin it is what stands before the last LayerNorm, which no entry
# holds. Of CLIP's image encoder, built like SigLIP's, it is the same as `last_hidden_state`, since there the
# norm is put on the pooled token alone. Means, norms and angles of features differ across a LayerNorm, and
# with them NC1 to NC3; nothing in the shapes or the number of entries tells the two kinds apart.
#
# Output seen on 2026-11-30: that at the end of this file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 numpy
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" -W ignore > "$folder/seen" 2> "$folder/said" <<'PYTHON' \
  || { cat "$folder/said"; exit 1; }
import torch
import transformers as hf

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
WORDS = {**SMALL, "vocab_size": 50}
IMAGES = {**SMALL, "image_size": 16, "patch_size": 8}
MODELS = {
    "GPT-2": (hf.GPT2Model, hf.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=50)),
    "Llama": (hf.LlamaModel, hf.LlamaConfig(**WORDS, num_key_value_heads=4)),
    "BERT": (hf.BertModel, hf.BertConfig(**WORDS)),
    "ModernBERT": (
        hf.ModernBertModel,
        hf.ModernBertConfig(
            **WORDS, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2
        ),
    ),
    "T5's encoder": (
        hf.T5EncoderModel,
        hf.T5Config(d_model=32, d_ff=48, num_layers=2, num_heads=4, d_kv=8, vocab_size=50),
    ),
    "CLIP's image encoder": (hf.CLIPVisionModel, hf.CLIPVisionConfig(**IMAGES)),
    "SigLIP's image encoder": (hf.SiglipVisionModel, hf.SiglipVisionConfig(**IMAGES)),
    "ViT": (hf.ViTModel, hf.ViTConfig(**IMAGES)),
    "DeiT": (hf.DeiTModel, hf.DeiTConfig(**IMAGES)),
    "DINOv2": (hf.Dinov2Model, hf.Dinov2Config(**IMAGES)),
    "I-JEPA": (hf.IJepaModel, hf.IJepaConfig(**IMAGES)),
    "Swin": (
        hf.SwinModel,
        hf.SwinConfig(
            image_size=32, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4
        ),
    ),
}

torch.manual_seed(0)
for name, (made, config) in MODELS.items():
    model = made(config).eval()
    given = (
        {"input_ids": torch.randint(5, 45, (2, 6))}
        if hasattr(config, "vocab_size")
        else {"pixel_values": torch.randn(2, 3, config.image_size, config.image_size)}
    )
    with torch.no_grad():
        for weights in model.parameters():  # so that no norm is at its start, where it may do nothing
            weights += 0.1 * torch.randn_like(weights)
        out = model(**given, output_hidden_states=True)
    last, listed = out.last_hidden_state, out.hidden_states[-1]
    assert last.shape == listed.shape
    same = torch.allclose(last, listed, atol=1e-5)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)]
    between = any(
        m.normalized_shape[-1] == last.shape[-1] and torch.allclose(m(listed), last, atol=1e-5)
        for m in norms
    )
    print(f"{name}: {'the same' if same else 'before a LayerNorm' if between else 'another'}")
PYTHON
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
GPT-2: the same
Llama: the same
BERT: the same
ModernBERT: the same
T5's encoder: the same
CLIP's image encoder: the same
SigLIP's image encoder: before a LayerNorm
ViT: before a LayerNorm
DeiT: before a LayerNorm
DINOv2: before a LayerNorm
I-JEPA: before a LayerNorm
Swin: before a LayerNorm
SEEN
