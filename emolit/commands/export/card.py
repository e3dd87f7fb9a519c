"""The model card: what stands in it, from the folder of the weights and from their run."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from emolit import __version__
from emolit.commands.export.question import Question
from emolit.commands.report.scores import COUNTS
from emolit.engine.weights.record import Record
from emolit.reporting.recipe import Rows, recipe
from emolit.reporting.run import Run
from emolit.reporting.tables import ScoreTable, interval, number

TEMPLATE = "model_card.md.jinja"
INTERVAL = "_interval"
Corpus = tuple[str, str, str]
"""Name, license and homepage."""


@dataclass(frozen=True)
class Card:
    """What a model card tells.

    Attributes:
        name: Of the model.
        license: Of the weights, as the Hub calls it; None where nobody chose one.
        base: Hub id of the model below; None where there is none.
        adapter: ``alone``, ``with its base`` or empty, for a whole model.
        model_class: The class of transformers that opens the model, or the base of the adapter.
        dtype: Of the weights.
        stock: Whether the processor of transformers alone asks as emolit does.
        hears: Whether it takes audio at all.
        address: Where a user loads it from: the folder itself, or the id on the Hub.
        record: ``emolit.json``.
        question: What it was trained to be asked.
        corpora: What it was trained on.
        stages: The runs that made it, the oldest first.
        selection: What chose the weights; None where nothing says so.
        scores: ``scores.json`` of a test of these very weights; None without one.
    """

    name: str
    license: str | None
    base: str | None
    adapter: str
    model_class: str
    dtype: str
    stock: bool
    hears: bool
    address: str
    record: Record
    question: Question
    corpora: tuple[Corpus, ...]
    stages: tuple[Run, ...]
    selection: dict[str, Any] | None
    scores: dict[str, Any] | None

    @property
    def recipes(self) -> list[Rows]:
        """Name and value of each setting, stage by stage, without paths of this machine."""
        return [recipe(run, local=False) for run in self.stages]

    @property
    def quantized(self) -> bool:
        """Whether the base had fewer bits in training than it has here."""
        return any("over nf4 weights" in value for rows in self.recipes for _, value in rows)

    def render(self) -> str:
        """Return the text of the card."""
        environment = Environment(
            undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
        )
        environment.filters |= {"repr": repr, "quoted": quote, "cell": escape_cell}
        text = resources.files("emolit").joinpath("assets", TEMPLATE).read_text(encoding="utf-8")
        tables = [table.markdown() for table in tables_of(self.scores)]
        return environment.from_string(text).render(
            card=self, front=front_matter(self), tables=tables, emolit=__version__
        )


def front_matter(card: Card) -> str:
    """Return the YAML that the Hub reads."""
    from huggingface_hub import EvalResult, ModelCardData

    entries = (card.scores or {}).get("corpora", {})
    results = [
        EvalResult(
            task_type="audio-text-to-text",
            task_name="Speech emotion recognition",
            dataset_type=corpus,
            dataset_name=corpus,
            dataset_split=(card.scores or {})["split"],
            metric_type=score.lower(),
            metric_name=score.replace("_", " "),
            metric_value=round(value, 4),
        )
        for corpus, entry in entries.items()
        for score, value in plain_scores(entry).items()
    ]
    data = ModelCardData(
        license=card.license or "other",
        license_name=None if card.license else "not-chosen",
        base_model=card.base,
        library_name="peft" if card.adapter else "transformers",
        pipeline_tag="audio-text-to-text",
        tags=["emotion-recognition", "speech-emotion-recognition", "audio", "emolit"],
        metrics=sorted({result.metric_type for result in results}) or None,
        model_name=card.name if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def plain_scores(entry: dict[str, Any]) -> dict[str, float]:
    """Return the scores of a corpus that are one number and no count."""
    return {
        name: value for name, value in entry.items() if type(value) is float and name not in COUNTS
    }


def tables_of(scores: dict[str, Any] | None) -> list[ScoreTable]:
    """Return the scores as one table a corpus, each with its interval where it has one."""
    found = []
    for corpus, entry in (scores or {}).get("corpora", {}).items():
        rows = [
            (name.replace("_", " "), number(value), interval(entry.get(f"{name}{INTERVAL}")))
            for name, value in plain_scores(entry).items()
        ]
        title = f"{corpus}, {(scores or {})['split']}, {entry['n']} clips"
        header = ("score", "value", "95% interval")
        found.append(ScoreTable(title, header, tuple(rows), tuple(notes(entry))))
    return found


def notes(entry: dict[str, Any]) -> list[str]:
    """Return what a reader of the scores of a corpus must know."""
    found = entry.get("UA_interval") or {}
    told = []
    if found.get("low") is not None:
        told.append(f"the interval is a bootstrap over {found['clusters']} {found['unit']}")
    told += [found["remark"]] if found.get("remark") else []
    if not entry.get("speaker_independent", True):
        told.append("speakers of the training clips are heard, or speakers are unknown")
    return [*told, *entry.get("notes", ())]


def quote(text: str) -> str:
    """Return a text as a block that Markdown shows as it is.

    Example:
        >>> print(quote("Which?"))
        ```text
        Which?
        ```
    """
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def escape_cell(text: object) -> str:
    r"""Return a text as a cell of a table, on one line, in which nothing is markup.

    Example:
        >>> escape_cell("a|<b>\n*c*")
        'a&#124;&#60;b&#62; &#42;c&#42;'
    """
    one_line = " ".join(str(text).split())
    return "".join(f"&#{ord(sign)};" if sign in "|<>*`[]\\" else sign for sign in one_line)
