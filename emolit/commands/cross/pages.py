"""The matrix of emolit cross for people: tables in Markdown, pictures in TensorBoard."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emolit.callbacks.pictures import confusion_picture
from emolit.reporting.scorecard import BOUNDED
from emolit.reporting.tables import ScoreTable, interval, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Matrix = dict[str, Any]
Cell = dict[str, Any]


def name_of(cell: Cell) -> str:
    """Return what a row of cells is called.

    Example:
        >>> name_of({"row": "ravdess", "options": "restricted"})
        'ravdess (restricted)'
    """
    return cell["row"] if cell["options"] == "all" else f"{cell['row']} ({cell['options']})"


def grid(matrix: Matrix) -> dict[str, dict[str, Cell]]:
    """Return the cells by row and column."""
    found: dict[str, dict[str, Cell]] = {}
    for options in ("all", "restricted"):
        for row in matrix["rows"]:
            mine = [c for c in matrix["cells"] if (c["row"], c["options"]) == (row, options)]
            if mine:
                found[name_of(mine[0])] = {cell["test"]: cell for cell in mine}
    order = {row: place for place, row in enumerate(matrix["rows"])}
    return dict(sorted(found.items(), key=lambda item: order[first(item[1])["row"]]))


def first(row: dict[str, Cell]) -> Cell:
    """Return any cell of a row."""
    return next(iter(row.values()))


def tables(matrix: Matrix) -> list[ScoreTable]:
    """Return all tables, the matrix of UA first."""
    pages = [score_table(matrix, score) for score in BOUNDED]
    pages += [reading_table(matrix), recall_table(matrix), confidence_table(matrix)]
    return [page for page in [*pages, comparison_table(matrix)] if page.rows]


def score_table(matrix: Matrix, score: str) -> ScoreTable:
    """Return rows by columns; in bold what was trained on the same corpus."""
    rows = []
    for name, row in grid(matrix).items():
        texts = [
            f"{number(cell[score])} ({interval(cell[f'{score}_interval'])})"
            for cell in row.values()
        ]
        bold = [
            f"**{t}**" if c["in_corpus"] else t for t, c in zip(texts, row.values(), strict=True)
        ]
        rows.append((name, *bold))
    sizes = {cell["test"]: cell["n"] for cell in matrix["cells"]}
    header = ("trained on", *(f"{corpus} (n {sizes[corpus]})" for corpus in matrix["columns"]))
    title = f"{score.replace('_', ' ')} with 95% interval, test corpora across"
    return ScoreTable(title, header, tuple(rows), tuple(notes(matrix)) if score == "UA" else ())


def notes(matrix: Matrix) -> list[str]:
    """Return what a reader of the matrix must know."""
    found = [f"labels of all rows: {', '.join(matrix['labels'])}"]
    found.append("bold: other speakers of the corpus that the row was trained on")
    if any(cell["options"] == "restricted" for cell in matrix["cells"]):
        found.append(
            "restricted: the most probable among the labels that the corpus has, by the "
            "probability of each option's reply; other rows are decoded and may name any label"
        )
    for corpus in matrix["columns"]:
        cell = next(cell for cell in matrix["cells"] if cell["test"] == corpus)
        remark = cell["UA_interval"]["remark"]
        found += [f"{corpus}, intervals (*): {remark}"] if remark else []
        left_out = cell.get("dropped") or {}
        if left_out:
            counts = ", ".join(f"{label} {count}" for label, count in left_out.items())
            found.append(f"{corpus}: {sum(left_out.values())} clips outside the labels: {counts}")
        if not cell.get("speaker_independent", True):
            found.append(f"{corpus}: its splits share speakers, or speakers are unknown")
        found += [f"{corpus}: {note}" for note in cell.get("notes", ())]
    return found


def reading_table(matrix: Matrix) -> ScoreTable:
    """Return how answers could be read, a cell a row."""
    rows = [
        (
            name,
            *(cell["test"], str(cell["n"])),
            number(cell["parse_rate"]),
            number(cell["foreign_rate"]),
        )
        for name, row in grid(matrix).items()
        for cell in row.values()
    ]
    header = ("trained on", "test", "n", "parse rate", "foreign rate")
    return ScoreTable(
        "Readable answers, and answers naming a label without clips", header, tuple(rows)
    )


def recall_table(matrix: Matrix) -> ScoreTable:
    """Return recall by class, a cell a row; a dash for a class without truths."""
    rows = [
        (name, cell["test"], *(number(cell["recall"][label]) for label in matrix["labels"]))
        for name, row in grid(matrix).items()
        for cell in row.values()
    ]
    return ScoreTable("Recall by class", ("trained on", "test", *matrix["labels"]), tuple(rows))


def confidence_table(matrix: Matrix) -> ScoreTable:
    """Return calibration and soft-label scores, a cell a row; empty where none were asked for."""
    cells = [(name, cell) for name, row in grid(matrix).items() for cell in row.values()]
    scores = dict.fromkeys(score for _, cell in cells for score in cell["confidence"])
    rows = [
        (name, cell["test"], *(number(cell["confidence"].get(score)) for score in scores))
        for name, cell in cells
        if cell["confidence"]
    ]
    return ScoreTable("Confidence", ("trained on", "test", *scores), tuple(rows))


def format_interval(found: Cell) -> str:
    """Return the ends of the interval of a difference; a dash where there is none.

    Example:
        >>> format_interval({"low": -0.1, "high": 0.25, "remark": "unreliable: only 4 speakers"})
        '-0.100 to +0.250*'
    """
    if found["low"] is None:
        return "-"
    return f"{found['low']:+.3f} to {found['high']:+.3f}{'*' if found['remark'] else ''}"


def comparison_table(matrix: Matrix) -> ScoreTable:
    """Return the tests between rows."""
    rows = [
        (
            f"{entry['first']} - {entry['second']}",
            *(entry["test"], entry["options"], str(entry["n"])),
            f"{entry['difference']:+.3f} ({format_interval(entry['interval'])})",
            *(f"{entry[key]:.4f}" for key in ("mcnemar", "mcnemar_holm")),
            *(f"{entry[key]:.4f}" for key in ("randomization", "randomization_holm")),
        )
        for entry in matrix["comparisons"]
    ]
    header = (
        *("rows", "test", "options", "n", "UA difference (95% interval)"),
        *("McNemar p (accuracy)", "Holm", "randomization p (UA)", "Holm"),
    )
    note = f"Holm's correction is over the {len(rows)} comparisons of this table, by test"
    return ScoreTable("Differences between rows", header, tuple(rows), (note,))


def show(matrix: Matrix, board: Path) -> None:
    """Write the pictures anew: the matrix of each score, and the confusion of each cell."""
    from torch.utils.tensorboard import SummaryWriter

    shutil.rmtree(board, ignore_errors=True)
    with SummaryWriter(str(board)) as writer:
        for score in BOUNDED:
            writer.add_figure(f"cross/{score}", heat_map(matrix, score))
        for name, row in grid(matrix).items():
            for cell in row.values():
                counts = torch.tensor(cell["confusion"])
                figure = confusion_picture(
                    counts, tuple(matrix["labels"]), f"{name} on {cell['test']}"
                )
                writer.add_figure(f"{name}/{cell['test']}/confusion", figure)


def heat_map(matrix: Matrix, score: str) -> "Figure":
    """Return the matrix of one score as a picture: rows trained on, columns tested on."""
    from matplotlib.figure import Figure

    rows, columns = grid(matrix), matrix["columns"]
    figure = Figure(figsize=(3 + 1.6 * len(columns), 2 + 0.6 * len(rows)), layout="constrained")
    axes = figure.add_subplot(title=score.replace("_", " "), xlabel="test", ylabel="trained on")
    values = [[row[corpus][score] for corpus in columns] for row in rows.values()]
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), list(rows))
    for y, row in enumerate(rows.values()):
        for x, corpus in enumerate(columns):
            color = "white" if values[y][x] > 0.5 else "black"
            words = f"{values[y][x]:.3f}\n{interval(row[corpus][f'{score}_interval'])}"
            weight = "bold" if row[corpus]["in_corpus"] else "normal"
            axes.text(x, y, words, ha="center", va="center", color=color, weight=weight)
    return figure
