"""Attention against its definition, also where heads are padded."""

from functools import partial

import pytest
import torch

from poselift.models.attention import attend, attend_padded


@pytest.mark.parametrize("attention", [attend, attend_padded, partial(attend, matrix_up_to=5)])
@pytest.mark.parametrize("width", [1, 2, 4, 16, 21])
def test_attention_is_the_mean_of_values_by_softmax(width, attention):
    torch.manual_seed(width)
    q, k, v = (torch.randn(2, 3, 5, width, dtype=torch.float64, requires_grad=True) for _ in range(3))
    expected = (q @ k.mT / width**0.5).softmax(-1) @ v
    found = attention(q, k, v)
    weights = torch.randn_like(found)
    torch.testing.assert_close(found, expected)
    for ours, definition in zip(
        *(torch.autograd.grad((y * weights).sum(), (q, k, v)) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours, definition)


class OnGpu(torch.Tensor):
    """A tensor that says so, without values."""

    is_cuda = True


def test_the_kernel_never_sees_a_width_that_the_gpu_cannot_take(monkeypatch):
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention

    def noted(q, *rest, **given):
        seen.append(q.shape[-1])
        return real(q, *rest, **given)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    for width in (1, 4, 16, 21):
        attend(*torch.empty(3, 1, 2, 2, width, device="meta").as_subclass(OnGpu))
    assert seen == [4, 4, 16, 24]
    seen.clear()
    attend(*torch.randn(3, 1, 2, 2, 21))
    assert seen == [21]  # the CPU takes any
