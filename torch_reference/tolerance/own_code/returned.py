"""Whether what was returned is what the code's formula gives in float64, but for its own roundings."""

from collections.abc import Callable, Mapping

from torch import Tensor

from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.own_code.foreign import Foreign, looking_for_foreign_code
from torch_reference.tolerance.own_code.in_float64 import Derive, Exact, numbers
from torch_reference.tolerance.own_code.other_precision import moved_by_another
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_run import OwnRun
from torch_reference.tolerance.rounding.roundings import unit

DRAWS = 24

Again = Callable[[], Mapping[str, Tensor]]


def that_were_returned(
    names: list[str], exact: Exact, manual: Tensors, movement: Movement, again: Again, derive: Derive
) -> list[str]:
    """The names of the results that are what the formula gives, but for the code's own roundings.

    Those of code that is not seen are told by another precision.
    """
    still = dict[str, OwnDraws]()
    for name in names:
        expected, value = movement.expected[name], exact.found[name]
        last = numbers(movement.last_rounding(name), expected)
        bounds = {"": last, **dict(sums(last, value.abs()))}  # equal elements round alike
        own = OwnDraws(numbers(manual[name], expected), value, bounds)
        still |= {} if own.is_inside() else {name: own}
    try:
        foreign = Foreign()
        for draw in range(DRAWS):
            if not still:
                break
            if foreign.shares_memory:
                made: Mapping[str, Tensor] = moved_by_another(exact.found, movement, derive, draw)
            elif draw:
                with OwnRun(draw, unit(movement.coarsest)):
                    made = again()
            else:
                with looking_for_foreign_code() as foreign, OwnRun(draw, unit(movement.coarsest)):
                    made = again()
            still = {
                name: each
                for name, each in still.items()
                if not each.is_explained(numbers(made[name], movement.expected[name]))
            }
    except Exception:  # it is the user's code
        pass
    return [name for name in names if name not in still]
