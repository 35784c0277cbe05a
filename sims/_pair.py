"""Two numbers side by side in one register. numba has no type for them and would fetch and add each alone."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-not-found, import-untyped, unused-ignore]
from numba import types  # type: ignore[import-not-found, import-untyped, unused-ignore]
from numba.extending import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    intrinsic,
    models,
    register_model,
)
from numpy.typing import NDArray

Pair = Any  # to those who check types before numba does
Typed = tuple[object, Callable[..., object]]  # a function's signature, and what writes its code
REGISTER = ir.VectorType(ir.DoubleType(), 2)


class PairType(types.Type):  # type: ignore[misc, unused-ignore]
    """The type of a pair of float64."""


@register_model(PairType)  # type: ignore[untyped-decorator, unused-ignore]
class PairModel(models.PrimitiveModel):  # type: ignore[misc, unused-ignore]
    """One value to the machine as well."""

    def __init__(self, manager: Any, kind: PairType) -> None:
        super().__init__(manager, kind, REGISTER)  # type: ignore[no-untyped-call, unused-ignore]


PAIR = PairType("Pair")
TWO = types.Tuple((types.float64, types.float64))  # type: ignore[no-untyped-call, unused-ignore]


def _zeros(typing_context: Any) -> Typed:
    return PAIR(), lambda context, builder, signature, arguments: ir.Constant(REGISTER, [0.0, 0.0])


def _plus(typing_context: Any, pair: Any, array: Any, i: Any) -> Typed:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        room = context.make_array(array)(context, builder, arguments[1])
        place = builder.bitcast(builder.gep(room.data, [arguments[2]]), REGISTER.as_pointer())
        return builder.fadd(arguments[0], builder.load(place, align=8))

    return PAIR(PAIR, array, types.int64), write


def _both(typing_context: Any, pair: Any) -> Typed:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        numbers = [builder.extract_element(arguments[0], ir.IntType(32)(k)) for k in range(2)]
        return context.make_tuple(builder, TWO, numbers)

    return TWO(PAIR), write


zeros = cast(Callable[[], Pair], intrinsic(_zeros))
"""(0, 0)."""

plus = cast(Callable[[Pair, NDArray[Any], int], Pair], intrinsic(_plus))
"""pair + (array[i], array[i + 1]) for a contiguous array of float64 and 0 <= i < size - 1, unchecked."""

both = cast(Callable[[Pair], tuple[float, float]], intrinsic(_both))
"""The two, as a tuple."""
