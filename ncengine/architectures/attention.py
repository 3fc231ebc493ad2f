"""Single-head attention under the causal mask (eq. 11 and 22)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# On a CPU, torch's fused attention overtakes two plain products at about this many tokens.
FUSED_FROM = 64


def causal_mix(query: Tensor, tokens: Tensor) -> Tensor:
    """Z A(Z): for each token, the mean of it and the tokens before it, weighted by softmax.

    Args:
        query: (B, C, d) W_QK z of each token.
        tokens: (B, C, d) the normalised tokens z, which are keys and values alike.
    """
    context, width = tokens.shape[1:]
    if tokens.is_cuda or context >= FUSED_FROM:
        query, tokens = query.unsqueeze(1), tokens.unsqueeze(1)
        return F.scaled_dot_product_attention(query, tokens, tokens, is_causal=True).squeeze(1)
    mask = torch.full((context, context), -math.inf, dtype=tokens.dtype).triu(1)
    scores = torch.baddbmm(mask, query, tokens.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(scores.softmax(-1), tokens)


def last_mix(query: Tensor, tokens: Tensor) -> Tensor:
    """The last token's row of `causal_mix`, which the mask lets see all tokens.

    Args:
        query: (B, d) W_QK z of the last token.
        tokens: (B, C, d).

    Returns:
        (B, d).
    """
    scores = torch.bmm(tokens, query.unsqueeze(2)) * tokens.shape[-1] ** -0.5
    return torch.bmm(scores.softmax(1).transpose(1, 2), tokens).squeeze(1)
