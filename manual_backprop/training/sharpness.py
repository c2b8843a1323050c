"""The largest eigenvalue of any network's Hessian, from its hand-derived gradient alone.

It bounds the learning rate near a point: above 2 / λ, gradient descent climbs out along the eigenvector. A
Hessian of thousands of parameters has millions of entries, but its product with one direction is the change
of the gradient in that direction, and the power iteration needs nothing else.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.checks import check_range
from manual_backprop.layers.layer import check_shape

Tensors = Mapping[str, Tensor]
Gradient = Callable[[Tensors], Tensors]
"""Parameters by name -> the gradient by the same names."""


class Product(NamedTuple):
    """The Hessian times a direction, by name, and what it is off by at most (Euclidean norm), by estimate."""

    value: dict[str, Tensor]
    error: float


class Sharpness(NamedTuple):
    """The largest eigenvalue found, its eigenvector of length 1, and how good they are.

    ‖H v − λ v‖ is the residual: some eigenvalue of H lies within residual + error of λ, as far as the error
    is estimated well. That none is larger rests on the random start, as in every power iteration.
    """

    eigenvalue: float
    vector: dict[str, Tensor]
    residual: float
    error: float  # of the products with the Hessian
    products: int
    converged: bool

    @property
    def largest_stable_rate(self) -> float:
        """2 / λ; where nothing curves upwards there is no limit."""
        return 2 / self.eigenvalue if self.eigenvalue > 0 else math.inf


def difference_step(parameters: Tensors, direction: Tensors) -> float:
    """The step h of the central difference.

    Formula: h = ∛eps · max(1, ‖θ‖) / ‖v‖
    Errors:  ValueError for a direction without a length
    """
    length = _norm(direction)
    if not 0 < length < math.inf:
        raise ValueError(f"the direction must have a length above 0 and below inf, found {length}")
    return _eps(parameters) ** (1 / 3) * max(1.0, _norm(parameters)) / length


def hessian_vector_product(gradient: Gradient, parameters: Tensors, direction: Tensors) -> Product:
    """The Hessian times a direction, by a central difference of the gradient.

    Formula: H v = D(h) − h² g‴[v, v, v] / 6 − …,  D(h) = (g(θ + h v) − g(θ − h v)) / 2h
             error = ‖D(2h) − D(h)‖ / 3 + 3/2 · ρ / h,  ρ = eps (‖g‖ + ‖θ‖ ‖H v‖ / ‖v‖)
    Shapes:  direction and result have the names and shapes of the parameters
    Errors:  ValueError for a direction of another shape, or for the zero direction
    Source:  Taylor: doubling h makes the term of h² four times as large, so that a third of what changes is
             that term in D(h). A gradient that is wrong by ρ adds ρ / h to D(h) and half as much to D(2h):
             to the third of what changes no more than ρ / 2h. ρ counts two roundings of g, the longer of the
             two of D(h), and two of θ, which H turns into a change of g. It is a bound as far as ρ counts the
             gradient's rounding, and where g is smooth at the scale of h: two quotients cannot see a kink of
             ReLU close to θ.
    """
    for name, parameter in parameters.items():
        check_shape(f"the direction of {name}", direction[name], parameter.shape)
    step = difference_step(parameters, direction)

    def slopes(h: float) -> tuple[Tensors, Tensors]:
        return gradient(_plus(parameters, h, direction)), gradient(_plus(parameters, -h, direction))

    near, far = slopes(step), slopes(2 * step)
    value = _quotient(*near, step)
    change = _norm(_plus(_quotient(*far, 2 * step), -1.0, value))
    size = max(_norm(slope) for slope in near) + _norm(parameters) * _norm(value) / _norm(direction)
    return Product(value, change / 3 + 1.5 * _eps(parameters) * size / step)


def _quotient(above: Tensors, below: Tensors, h: float) -> dict[str, Tensor]:
    return {name: (slope - below[name]) / (2 * h) for name, slope in above.items()}


def _eps(tensors: Tensors) -> float:
    return torch.finfo(next(iter(tensors.values())).dtype).eps


def largest_eigenvalue(
    gradient: Gradient,
    parameters: Tensors,
    generator: torch.Generator,
    *,
    tolerance: float = 1e-3,
    max_products: int = 1000,
) -> Sharpness:
    """The largest eigenvalue of the Hessian by power iteration, from a random direction.

    Stops when residual + error ≤ tolerance · |λ|. The iteration finds the eigenvalue that is largest in size;
    where that is a negative one, or two of opposite signs keep it from settling, it starts again on
    H + ‖H v‖ · 1, which has the same eigenvectors and no negative eigenvalue.

    Formula: vₖ₊₁ = H vₖ / ‖H vₖ‖,  λ = v · H v for ‖v‖ = 1
    Shapes:  the vector has the names and shapes of the parameters
    Errors:  ValueError for a setting out of range
    Source:  Golub and Van Loan, Matrix Computations, section 8.2 (power iteration, error by the residual)
    """
    check_range("tolerance", tolerance)
    check_range("max_products", max_products, 1)
    found = _iterate(gradient, parameters, generator, 0.0, tolerance, (max_products + 1) // 2)
    if (found.converged and found.eigenvalue >= 0) or max_products < 2:
        return found
    # Of a unit vector that has settled, or wanders among the largest, H v is as long as the largest is.
    shift = math.hypot(found.eigenvalue, found.residual)
    left = max_products - found.products
    again = _iterate(gradient, parameters, generator, shift, tolerance, left)
    return again._replace(products=found.products + again.products)


def _iterate(
    gradient: Gradient,
    parameters: Tensors,
    generator: torch.Generator,
    shift: float,
    tolerance: float,
    max_products: int,
) -> Sharpness:
    """The power iteration on H + shift · 1, which returns an eigenvalue of H."""
    vector = {name: _normal_like(parameter, generator) for name, parameter in parameters.items()}
    products = 0
    while True:
        vector = _scaled(vector, 1 / _norm(vector))
        product, error = hessian_vector_product(gradient, parameters, vector)
        products += 1
        eigenvalue = sum((vector[name] * product[name]).sum().item() for name in vector)
        residual = _norm(_plus(product, -eigenvalue, vector))
        converged = residual + error <= tolerance * abs(eigenvalue)
        following = _plus(product, shift, vector)
        if converged or products == max_products or not 0 < _norm(following) < math.inf:
            return Sharpness(eigenvalue, vector, residual, error, products, converged)
        vector = following


def _normal_like(parameter: Tensor, generator: torch.Generator) -> Tensor:
    draw = torch.randn(parameter.shape, dtype=torch.float64, generator=generator, device=generator.device)
    return draw.to(parameter)


def _plus(tensors: Tensors, factor: float, others: Tensors) -> dict[str, Tensor]:
    return {name: tensor + factor * others[name] for name, tensor in tensors.items()}


def _scaled(tensors: Tensors, factor: float) -> dict[str, Tensor]:
    return {name: factor * tensor for name, tensor in tensors.items()}


def _norm(tensors: Tensors) -> float:
    return math.sqrt(sum(tensor.double().square().sum().item() for tensor in tensors.values()))
