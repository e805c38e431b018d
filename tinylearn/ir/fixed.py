"""Fixed-point exponential and reciprocal, bit for bit as gemmlowp's (fixedpoint.h), which
TFLite's integer kernels use. Values are the raw int32 of the named format."""

from __future__ import annotations

from tinylearn.ir.quant import doubling_high_mul, rounding_divide_by_pot

_MAX, _MIN = (1 << 31) - 1, -(1 << 31)
_QUARTER = 1 << 24
_FRACTION_BITS = 26
#: exp(-2**k) in Q0.31 for k = -2 .. 4
_EXP_OF_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_EXP_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_48_OVER_17 = 1515870810
_NEG_32_OVER_17 = -1010580540


def _times(a: int, b: int) -> int:
    return int(doubling_high_mul(a, b))


def _divided(a: int, exponent: int) -> int:
    return int(rounding_divide_by_pot(a, exponent))


def _saturated(a: int) -> int:
    return max(_MIN, min(_MAX, a))


def _exp_near_zero(a: int) -> int:
    """exp(a) for a in [-1/4, 0), both Q0.31: Taylor's series around -1/8."""
    x = a + (1 << 28)
    x2 = _times(x, x)
    x3, x4 = _times(x2, x), _times(x2, x2)
    higher = _divided(_times(_divided(x4, 2) + x3, _THIRD) + x2, 1)
    return _saturated(_EXP_MINUS_EIGHTH + _times(_EXP_MINUS_EIGHTH, x + higher))


def exp_of_negative(a: int) -> int:
    """exp(a) in Q0.31 for a <= 0 in Q5.26."""
    if a == 0:
        return _MAX
    rest = (a & (_QUARTER - 1)) - _QUARTER
    result, remainder = _exp_near_zero(_saturated(rest << 5)), rest - a
    for k, factor in enumerate(_EXP_OF_POWERS):
        if remainder & (1 << (_FRACTION_BITS - 2 + k)):
            result = _times(result, factor)
    return result


def _one_over_one_plus(a: int) -> int:
    """1 / (1 + a) in Q0.31 for a in [0, 1) in Q0.31: Newton's method in Q2.29."""
    half = (a + _MAX + 1) // 2
    x = _48_OVER_17 + _times(half, _NEG_32_OVER_17)
    for _ in range(3):
        missing = (1 << 29) - _times(half, x)
        x = x + _saturated(_times(x, missing) << 2)
    return _saturated(x << 1)


def reciprocal(x: int, integer_bits: int) -> tuple[int, int]:
    """(1 / x as Q0.31 in [1/2, 1], bits over the unit) of a positive x."""
    zeros = 32 - x.bit_length()
    return _one_over_one_plus((x << zeros) - (1 << 31)), integer_bits - zeros
