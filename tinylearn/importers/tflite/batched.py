"""Dilated convolutions as TensorFlow writes them where the batch is not known: SPACE_TO_BATCH_ND,
a convolution of what lies apart, BATCH_TO_SPACE_ND. They become one dilated convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from tinylearn.importers.tflite.file import TfModel, TfOperator, TfTensor

_MOST = 1 << 16
_LONGEST = 5
_SAME, _VALID = 0, 1
_SPATIAL = {3: 1, 4: 2}
_RESHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
Pair = tuple[int, int]


@dataclass(frozen=True)
class _Chain:
    """The operators from SPACE_TO_BATCH_ND to BATCH_TO_SPACE_ND."""

    operators: tuple[TfOperator, ...]

    @property
    def convolution(self) -> TfOperator:
        return next(o for o in self.operators if o.code in _CONVOLUTIONS)


@dataclass
class _Rewrite:
    """A model while its chains are replaced."""

    model: TfModel
    tensors: list[TfTensor] = field(init=False)

    def __post_init__(self) -> None:
        self.tensors = list(self.model.tensors)

    def add(self, like: TfTensor, shape: tuple[int, ...]) -> int:
        """A computed tensor like another, in another shape."""
        self.tensors.append(replace(like, index=len(self.tensors), shape=shape, data=None))
        return len(self.tensors) - 1

    def constant(self, pads: tuple[Pair, Pair]) -> int:
        data = np.array([(0, 0), *pads, (0, 0)], np.int32)
        self.tensors.append(
            TfTensor(len(self.tensors), "pads", data.shape, "INT32", (), (), 0, data)
        )
        return len(self.tensors) - 1


def _only_reader(model: TfModel, readers: dict[int, list[TfOperator]],
                 operator: TfOperator) -> TfOperator | None:  # fmt: skip
    """The one operator whose first input is what another makes."""
    (out, *others) = operator.outputs or (-1,)
    following = readers.get(out, [])
    alone = len(following) == 1 and not others and out not in model.outputs
    return following[0] if alone and following[0].inputs[0] == out else None


def _chains(model: TfModel) -> Iterator[_Chain]:
    """Chains of operators each of which alone reads what the one before makes."""
    readers: dict[int, list[TfOperator]] = {}
    for operator in model.operators:
        for i in set(operator.inputs):
            readers.setdefault(i, []).append(operator)
    for start in (o for o in model.operators if o.code == "SPACE_TO_BATCH_ND"):
        chain = [start]
        while chain[-1].code != "BATCH_TO_SPACE_ND" and len(chain) < _LONGEST:
            reader = _only_reader(model, readers, chain[-1])
            if reader is None:
                break
            chain.append(reader)
        codes = [o.code for o in chain if o.code not in _RESHAPES]
        middle = codes[1:-1]
        if codes[-1] == "BATCH_TO_SPACE_ND" and len(middle) == 1 and middle[0] in _CONVOLUTIONS:
            yield _Chain(tuple(chain))


def _integers(model: TfModel, operator: TfOperator, at: int, size: int) -> list[int] | None:
    """A constant of so many whole numbers, None where it is anything else."""
    index = operator.inputs[at] if at < len(operator.inputs) else -1
    tensor = model.tensors[index] if index >= 0 else None
    if tensor is None or tensor.data is None or tensor.type not in ("INT32", "INT64"):
        return None
    values = [int(v) for v in tensor.data.ravel()]
    return values if len(values) == size and all(0 <= v <= _MOST for v in values) else None


def _geometry(model: TfModel, chain: _Chain) -> tuple[Pair, tuple[Pair, Pair]] | None:
    """(dilation, pads) of height and width; None where the chain is no dilated convolution."""
    start, end, conv = chain.operators[0], chain.operators[-1], chain.convolution
    options = conv.options
    plain = ("StrideH", "StrideW", "DilationHFactor", "DilationWFactor")
    if options["Padding"] != _VALID or any(options[name] != 1 for name in plain):
        return None
    axes = _SPATIAL.get(len(model.tensors[start.inputs[0]].shape), 0)
    blocks = [_integers(model, o, 1, axes) for o in (start, end)]
    pads, crops = (_integers(model, o, 2, 2 * axes) for o in (start, end))
    if not axes or blocks[0] is None or blocks[0] != blocks[1] or pads is None or crops is None:
        return None
    if (
        min(blocks[0]) < 1
        or any(crops[::2])
        or any(c > p for c, p in zip(crops, pads, strict=True))
    ):
        return None
    ends = [(pads[2 * i], pads[2 * i + 1] - crops[2 * i + 1]) for i in range(axes)]
    if axes == 1:
        return (1, blocks[0][0]), ((0, 0), ends[0])
    return (blocks[0][0], blocks[0][1]), (ends[0], ends[1])


def _sizes(model: TfModel, chain: _Chain) -> tuple[tuple[int, ...], Pair] | None:
    """The image that is convolved, with its batch of one, and the kernel."""
    shape = model.tensors[chain.operators[0].inputs[0]].shape
    conv = chain.convolution
    ends = [model.tensors[i] for i in conv.inputs[:2] if i >= 0]
    if len(ends) != 2 or ends[1].data is None or ends[1].data.ndim != 4 or shape[0] != 1:
        return None
    if len(shape) == 3 and (len(ends[0].shape) != 4 or ends[0].shape[1] != 1):
        return None
    kernel = ends[1].data.shape[1:3]
    image = shape if len(shape) == 4 else (1, 1, *shape[1:])
    return image, (kernel[0], kernel[1])


def _keeps_scale(model: TfModel, chain: _Chain) -> bool:
    """Whether BATCH_TO_SPACE_ND makes one tensor of what the convolution made."""
    result = chain.operators[-1].outputs
    ends = [model.tensors[i] for i in (*chain.convolution.outputs, *result)]
    made = {(t.type, t.scales, t.zero_points) for t in ends}
    return len(ends) == 2 and len(made) == 1


def _replacement(rewrite: _Rewrite, chain: _Chain) -> list[TfOperator] | None:
    """RESHAPE to an image, PAD where need be, one dilated convolution, RESHAPE."""
    model, conv = rewrite.model, chain.convolution
    geometry, sizes = _geometry(model, chain), _sizes(model, chain)
    if geometry is None or sizes is None or not _keeps_scale(model, chain):
        return None
    (dilation, pads), (image, kernel) = geometry, sizes
    reach = tuple((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
    same = all(sum(p) == r and p[0] == r // 2 for p, r in zip(pads, reach, strict=True))
    padded = tuple(n + sum(p) for n, p in zip(image[1:3], pads, strict=True))
    made = model.tensors[conv.outputs[0]]
    convolved = (1, *(n - r for n, r in zip(padded, reach, strict=True)), made.shape[-1])
    if min(convolved) < 1:
        return None
    before = _before(rewrite, chain, image, ((0, 0), (0, 0)) if same else pads)
    options = {**conv.options, "Padding": _SAME if same else _VALID,
               "DilationHFactor": dilation[0], "DilationWFactor": dilation[1]}  # fmt: skip
    inputs, out = (before[-1].outputs[0], *conv.inputs[1:]), rewrite.add(made, convolved)
    dilated = replace(conv, inputs=inputs, outputs=(out,), options=options)
    return [*before, dilated, _operator(conv, "RESHAPE", (out,), chain.operators[-1].outputs[0])]


def _before(rewrite: _Rewrite, chain: _Chain, image: tuple[int, ...],
            pads: tuple[Pair, Pair]) -> list[TfOperator]:  # fmt: skip
    """What makes the convolution's input."""
    conv, source = chain.convolution, chain.operators[0].inputs[0]
    x = rewrite.model.tensors[source]
    operators = [_operator(conv, "RESHAPE", (source,), rewrite.add(x, image))]
    if any(map(any, pads)):
        shape = (1, image[1] + sum(pads[0]), image[2] + sum(pads[1]), image[3])
        ends = (operators[0].outputs[0], rewrite.constant(pads))
        operators.append(_operator(conv, "PAD", ends, rewrite.add(x, shape)))
    return operators


def _operator(place: TfOperator, code: str, inputs: tuple[int, ...], output: int) -> TfOperator:
    return TfOperator(place.index, code, inputs, (output,), {})


def joined(model: TfModel) -> TfModel:
    """The model with every such chain replaced; others stay as they are."""
    rewrite, operators = _Rewrite(model), {o.index: [o] for o in model.operators}
    for chain in _chains(model):
        replacement = _replacement(rewrite, chain)
        if replacement is not None:
            operators.update({o.index: [] for o in chain.operators})
            operators[chain.operators[-1].index] = replacement
    flat = tuple(o for group in operators.values() for o in group)
    return replace(model, tensors=tuple(rewrite.tensors), operators=flat)
