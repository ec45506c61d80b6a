"""What was measured: a table for people, JSON for programs."""

import dataclasses
import json
import pathlib
import statistics

TENTHS = 10


class LeftOut(Exception):
    """A chapter that cannot be had here; says why."""


@dataclasses.dataclass
class Figure:
    """`value` is compared with the limit; low and high are where the middle four fifths of the ratios lie."""

    what: str
    value: float
    limit: float | None = None
    at_least: bool = False          # the limit, else at most
    unit: str = ""                  # none: a ratio
    low: float | None = None
    high: float | None = None
    raw: str = ""                   # what the ratio is made of

    @property
    def reached(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def row(self) -> tuple[str, ...]:
        spread = "" if self.low is None else f"{_number(self.low)} to {_number(self.high)}"
        sign = ">=" if self.at_least else "<="
        limit = "" if self.limit is None else f"{sign} {_number(self.limit)}{self.unit}"
        verdict = {True: "reached", False: "NOT REACHED", None: ""}[self.reached]
        return self.what, f"{_number(self.value)}{self.unit}", spread, limit, verdict, self.raw


def ratio(what: str, ours: list[float], floor: list[float], **rest: object) -> Figure:
    """Of neighbouring slices."""
    ratios = [a / b for a, b in zip(ours, floor)]
    return Figure(what, statistics.median(ratios), low=_quantile(ratios, 1), high=_quantile(ratios, TENTHS - 1),
                  **rest)


def difference(what: str, ours: list[float], floor: list[float], **rest: object) -> Figure:
    differences = [a - b for a, b in zip(ours, floor)]
    return Figure(what, statistics.median(differences), low=_quantile(differences, 1),
                  high=_quantile(differences, TENTHS - 1), **rest)


def _quantile(values: list[float], tenths: int) -> float:
    return statistics.quantiles(values, n=TENTHS)[tenths - 1] if len(values) > 1 else values[0]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def show(title: str, figures: list[Figure]) -> None:
    print(f"\n{title}")
    rows = [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        print("  " + "  ".join([*cells, row[-1]]).rstrip(), flush=True)


def save(path: pathlib.Path, machine: dict, chapters: dict[str, list[Figure]]) -> None:
    document = {"machine": machine, "figures": [
        {"chapter": chapter} | dataclasses.asdict(figure) | {"reached": figure.reached}
        for chapter, figures in chapters.items() for figure in figures]}
    path.write_text(json.dumps(document, indent=2) + "\n")
