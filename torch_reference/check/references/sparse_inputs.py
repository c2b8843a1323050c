"""A function of sparse tensors as one of their values: what is not stored is no number to be moved."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_unflatten

from torch_reference.check.references.signatures import with_signature_of
from torch_reference.check.references.stand_in import autograd_function
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.holders import flattened, tensors_mapped
from torch_reference.judging.calls.really import is_tensor

BY_ROWS = (torch.sparse_csr, torch.sparse_bsr)
LAYOUTS = (torch.sparse_coo, *BY_ROWS, torch.sparse_csc, torch.sparse_bsc)


class OfValues(NamedTuple):
    """The arguments with values in the places of sparse tensors, which tell the form of each."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    forms: Mapping[str, Tensor]

    def taking(self, function: Any) -> Any:
        """The function, handed sparse tensors that are made of the values; None stays None.

        Errors: ValueError for a pair, whose backward would have to be handed something else as well
        """
        if function is None:
            return None
        own = autograd_function(function)
        call = function if own is None else own.apply
        if isinstance(function, tuple | list):
            [name, *_] = self.forms
            raise ValueError(  # noqa: TRY004 # the pair is right, and the input is not
                f"{name}: expected a dense tensor, or no gradient asked for, found a sparse one: of a pair of"
                " functions give the values, and make it of them inside"
            )
        names = Arguments.of(self.args, self.kwargs).names

        def of_values(*args: Any, **kwargs: Any) -> Any:
            leaves, nest = flattened((args, kwargs))
            made = [
                _made(leaf, self.forms[name]) if name in self.forms else leaf
                for name, leaf in zip(names, leaves, strict=True)
            ]
            given, named = tree_unflatten(made, nest)
            return tensors_mapped(_dense, call(*given, **named))

        return with_signature_of(function, of_values)

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The names of the inputs that were given with requires_grad; those of other points need not be."""
        return Arguments.of(self.args, self.kwargs).asked_for

    @property
    def told(self) -> str:
        """What is to be said of it."""
        return f"of a sparse tensor the gradient of its values is judged: {', '.join(self.forms)}"


def of_values(
    args: Sequence[Any], kwargs: Mapping[str, Any], wrt: Sequence[int | str] | None
) -> OfValues | None:
    """The arguments by their values; None where the gradient of no sparse one is asked for."""
    if not any(is_tensor(leaf) and leaf.layout in LAYOUTS for leaf in flattened((args, kwargs))[0]):
        return None
    given = Arguments.of(args, kwargs)
    forms = {
        name: leaf.detach().coalesce() if leaf.layout == torch.sparse_coo else leaf.detach()
        for name, leaf in zip(given.names, given.leaves, strict=True)
        if is_tensor(leaf) and leaf.layout in LAYOUTS
        if _is_asked_for(name, leaf, wrt)
    }
    if not forms:
        return None
    values = {
        name: form.values().clone().requires_grad_(given.leaves[given.names.index(name)].requires_grad)
        for name, form in forms.items()
    }
    return OfValues(*given.placed(values), forms)


def _is_asked_for(name: str, leaf: Tensor, wrt: Sequence[int | str] | None) -> bool:
    if wrt is None:
        return leaf.requires_grad
    return any(name == key or name.startswith(f"inputs[{key!r}]") for key in wrt)


def _dense(value: Tensor) -> Tensor:
    """As it is, or with its zeros: torch would want a sparse upstream gradient of a sparse output."""
    return value if value.layout == torch.strided else value.to_dense()


def _made(values: Tensor, form: Tensor) -> Tensor:
    if form.layout == torch.sparse_coo:
        return torch.sparse_coo_tensor(
            form.indices(), values, form.shape, check_invariants=True, is_coalesced=True
        )
    where = (
        (form.crow_indices(), form.col_indices())
        if form.layout in BY_ROWS
        else (form.ccol_indices(), form.row_indices())
    )
    return torch.sparse_compressed_tensor(
        *where, values, form.shape, layout=form.layout, check_invariants=True
    )
