"""The fees as stacked bars, in a picture that is the same bytes each time."""

from collections.abc import Sequence
from io import BytesIO

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tools.compare.estimate import Estimate
from tools.compare.fleet import Fleet
from tools.compare.table import COLUMNS, money

# Okabe and Ito's, which the colour-blind can tell apart.
COLOURS = {
    "ingestion": "#0072B2",
    "storage": "#56B4E9",
    "query": "#009E73",
    "collector": "#E69F00",
    "in_cluster": "#999999",
}
FORMATS = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}


def draw(estimates: Sequence[Estimate], fleet: Fleet, suffix: str) -> bytes:
    """Draw a bar for each architecture, as a file of FORMATS; white behind it in dark mode, too."""
    with rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "svg.fonttype": "path",
            "svg.hashsalt": "kubecost",
        }
    ):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1)
        figure = Figure(figsize=(9, 4), dpi=150, layout=layout, facecolor="white")
        axes = figure.subplots()
        names = [each.architecture.name for each in estimates]
        begins = [0.0] * len(names)
        for column, (above, below) in COLUMNS.items():
            widths = [each.parts[column].usd for each in estimates]
            if not any(widths):
                continue  # a colour in the legend that is nowhere to be seen
            axes.barh(
                names,
                widths,
                left=begins,
                height=0.6,
                color=COLOURS[column],
                label=f"{above} {below}",
            )
            begins = [begin + width for begin, width in zip(begins, widths, strict=True)]
        for each, end in zip(estimates, begins, strict=True):
            axes.annotate(
                f"${money(each.total)}",
                (end, each.architecture.name),
                xytext=(6, 0),
                textcoords="offset points",
                va="center_baseline",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        axes.invert_yaxis()
        axes.set_xlim(0, max(begins) * 1.15 or 1)
        axes.set_xlabel("US$ per month")
        axes.set_title(f"{fleet}, in {fleet.region}", loc="left", fontsize=12)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#DDDDDD")
        axes.set_axisbelow(True)
        figure.legend(loc="outside lower center", ncols=len(COLUMNS), frameon=False, fontsize=10)
        file = BytesIO()
        figure.savefig(file, format=suffix.removeprefix("."), metadata=FORMATS[suffix])
    return file.getvalue()
