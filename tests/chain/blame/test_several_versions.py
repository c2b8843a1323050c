"""A name that is assigned more than once: which of its gradients is blamed, in any precision."""

import pytest
import torch

from torch_reference.chain.inside import links_of_function
from user_files import imported

SEVERAL = """
def forward(x, w):
    h = x * w
    h = h.exp()
    h = h.sin()
    return h * x, (x, w)


def backward(saved, dout):
    x, w = saved
    z = x * w
    a = z.exp()
    dh = 2 * dout * x
    dh = dh * a.cos() * a
    return dout * a.sin() + dh * w, dh * x
"""


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_of_several_versions_that_is_blamed_which_is_the_gradient_of_none(
    dtype: torch.dtype, tmp_path
) -> None:
    """2 dh is of none of h's; given that, what is made of it is that of the first, and inherits it."""
    x, w, above = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).to(dtype)

    def judged(source: str) -> list[tuple[int, bool]]:
        module = imported(tmp_path, "several", source)
        pair = module.forward, module.backward
        report = links_of_function(pair, lambda x, w: (x * w).exp().sin() * x, [x, w], [True, True], [above])
        named = [link.quantity for link in report.links if link.quantity.manual_name == "dh"]
        assert [link.quantity.manual_name for link in report.wrong] == ["dh"]
        return [(each.place.line, each.sure) for each in named]

    assert judged(SEVERAL) == [(13, True), (14, False)]
    in_one_step = {"dh = dh * a.cos()": "dz = dh * a.cos()", "dh * w, dh * x": "dz * w, dz * x"}
    source = SEVERAL
    for several, one in in_one_step.items():
        source = source.replace(several, one)
    assert judged(source) == [(13, True)]
