"""Pictures of the learning benchmark: the way of the metric, and where it ends at which cost."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from tinylearn.emit.write import write_file
from tinylearn.errors import MissingToolError


def _pyplot() -> Any:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        raise MissingToolError("plots need matplotlib: pip install 'tinylearn[plots]'") from None
    return pyplot


def save(folder: Path, task: str, rows: list[dict]) -> None:
    """Writes <task>_curves.png and <task>_bars.png."""
    pyplot = _pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("curves", _curves), ("bars", _bars)):
        figure = draw(pyplot, task, rows)
        image = BytesIO()
        figure.savefig(image, format="png", dpi=120, metadata={"Software": None})
        pyplot.close(figure)
        write_file(folder / f"{task}_{name}.png", image.getvalue())


def _curves(pyplot: Any, task: str, rows: list[dict]) -> Any:
    """The metric on unseen devices over client visits; the random start as a line."""
    figure, axes = pyplot.subplots(figsize=(8, 4.2), layout="constrained")
    for row in rows:
        visits, values = zip(*row["curve"], strict=True)
        if len(visits) == 1:
            axes.axhline(values[0], color="0.6", linestyle=":", label=row["strategy"])
        else:
            axes.plot(visits, values, label=row["strategy"], linewidth=1.6)
    if rows[0]["metric_name"].startswith("mse"):
        axes.set_yscale("log")
    axes.set(xlabel="client visits", ylabel=rows[0]["metric_name"], title=f"{task}: unseen devices")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure


def _bars(pyplot: Any, task: str, rows: list[dict]) -> Any:
    """Metric with the seeds' range, bytes up, and RAM of a device."""
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    names = [row["strategy"] for row in rows]
    values = [row["metric"] for row in rows]
    below = [row["metric"] - row["spread"][0] for row in rows]
    above = [row["spread"][1] - row["metric"] for row in rows]
    left.barh(names, values, xerr=(below, above), color="C0")
    left.set(xlabel=rows[0]["metric_name"], title=task)
    middle.barh(names, [row["bytes_up"] / 1e6 for row in rows], color="C1")
    middle.set(xlabel="MB up")
    right.barh(names, [row["device_ram_bytes"] / 1e3 for row in rows], color="C2")
    right.set(xlabel="device RAM, kB")
    for axes in (left, middle, right):
        axes.invert_yaxis()
        axes.grid(alpha=0.25, axis="x")
    if rows[0]["metric_name"].startswith("mse"):
        left.set_xscale("log")
    return figure
