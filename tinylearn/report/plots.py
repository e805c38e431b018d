"""Curves as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from tinylearn.emit.write import write_file
from tinylearn.errors import MissingToolError, UsageError


def _pyplot() -> Any:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        raise MissingToolError("plots need matplotlib: pip install 'tinylearn[plots]'") from None
    return pyplot


def check_png(path: Path) -> None:
    """Raises UsageError or MissingToolError, before any work, where no plot can be made."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: plots are PNG files; name it {path.stem}.png")
    _pyplot()


def save_curves(
    path: Path,
    curves: Mapping[str, Sequence[float]],
    ylabel: str,
    title: str = "",
    marks: Mapping[int, str] | None = None,
    xlabel: str = "sample",
) -> None:
    """Curves over the samples of a stream, or what ``xlabel`` says, with vertical ``marks`` (sample:
    text)."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name, linewidth=1.6)
    for at, text in (marks or {}).items():
        axes.axvline(at, color="0.6", linestyle=":", linewidth=1)
        axes.annotate(text, (at, 0.02), xycoords=("data", "axes fraction"), fontsize=8, color="0.3",
                      xytext=(4, 0), textcoords="offset points")  # fmt: skip
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.08))
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
    write_file(path, image.getvalue())
