"""The one place that imports the TFLite runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinylearn.errors import MissingToolError


def interpreter(path: Path, reference: bool = True, keep_tensors: bool = False) -> Any:
    """A LiteRT interpreter of a file: with the reference kernels, or with the optimized ones
    without delegates. ``keep_tensors``: values in between can be read afterwards. Raises
    MissingToolError without the runtime."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise MissingToolError(
                "running .tflite files needs the package ai-edge-litert: pip install ai-edge-litert"
            ) from None
    kinds = OpResolverType
    chosen = kinds.BUILTIN_REF if reference else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(
        model_path=str(path), experimental_op_resolver_type=chosen,
        experimental_preserve_all_tensors=keep_tensors,
    )  # fmt: skip
