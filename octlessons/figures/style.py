"""The look of every figure: one palette with markers, for light and dark pages."""

from __future__ import annotations

#: Colours of classes and clusters, in order. Okabe & Ito's hues, moved so that each keeps a
#: contrast of 3:1 to white and to #14181e, and the first four stay apart for readers with
#: protanopia, deuteranopia and tritanopia.
PALETTE = (
    "#EE5D04",  # vermilion
    "#4D8EF8",  # blue
    "#8D588F",  # purple
    "#3A735B",  # green
    "#A68100",  # gold
    "#C2487F",  # pink
    "#1B93A8",  # teal
    "#7A8088",  # grey
)

#: Marker of each class or cluster: colour is never the only difference.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

#: Text and lines, and the page behind them. `show` swaps LIGHT for DARK.
LIGHT = {"ink": "#1b1f24", "muted": "#59636e", "faint": "#d8dde3", "paper": "#ffffff"}

DARK = {"ink": "#e6edf3", "muted": "#9da7b3", "faint": "#363d47", "paper": "#14181e"}

INK, MUTED, FAINT, PAPER = LIGHT["ink"], LIGHT["muted"], LIGHT["faint"], LIGHT["paper"]

#: White of marks that lie on a scan; never swapped.
ON_IMAGE = "#fdfdfd"

#: CSS pixels per inch of figure; `render` stores more, for sharp screens.
PIXELS_PER_INCH = 100

#: Width in inches of a figure as wide as the text.
FULL = 7.0

STYLE: dict = {
    "figure.facecolor": PAPER,
    "figure.figsize": (FULL, 4.2),
    "savefig.facecolor": PAPER,
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlecolor": INK,
    "axes.labelsize": 13,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 1.0,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 2.2,
    "lines.markersize": 7,
    "image.cmap": "gray",
}


def use_style() -> None:
    """Set matplotlib's defaults to the style and palette of the course, for your own plots."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = cycler(color=PALETTE)


def colour(i: int) -> str:
    """Colour of class or cluster `i`; noise (−1) is grey.

    Parameters
    ----------
    i : int
    """
    return MUTED if i < 0 else PALETTE[i % len(PALETTE)]


def marker(i: int) -> str:
    """Marker of class or cluster `i`; noise (−1) is a dot.

    From the ninth on colours come again, each with another marker.

    Parameters
    ----------
    i : int
    """
    return "." if i < 0 else MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]
