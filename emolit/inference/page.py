"""A page in the browser: record or drop a clip, see what one or two checkpoints answer."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError, EmolitError
from emolit.inference.answer import Answer
from emolit.inference.drawing import draw_waveform, draw_wheel
from emolit.inference.listener import Listener
from emolit.text.markdown import escape

MOST_WINDOWS = 60
"""Windows of one recording that a page draws; more stand in the table alone."""


def import_gradio() -> Any:
    """Return Gradio, which reports nothing to its makers.

    Raises:
        ConfigError: It is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise ConfigError(
            "The page needs Gradio, which is not installed. Run `pip install 'emolit[demo]'`."
        ) from error
    return gradio


def build_page(listeners: Sequence[Listener]) -> Any:
    """Return the page, not yet served.

    Args:
        listeners: One or two, side by side.
    """
    gradio = import_gradio()
    with gradio.Blocks(title="emolit", analytics_enabled=False) as page:
        gradio.Markdown("# Which emotion?\nRecord a clip, or drop a file.")
        sound = gradio.Audio(sources=["upload", "microphone"], type="filepath", label="Recording")
        button = gradio.Button("Ask", variant="primary")
        columns = []
        with gradio.Row():
            for listener in listeners:
                with gradio.Column():
                    columns.append(_column(gradio, listener))
        outputs = [output for column in columns for output in column]

        def answer(path: str | None) -> list[Any]:
            if path is None:
                raise _shown(gradio, "There is no recording yet: record one, or drop a file.")
            try:
                return [part for each in listeners for part in parts_of(each, Path(path))]
            except EmolitError as error:
                raise _shown(gradio, str(error)) from error

        button.click(answer, sound, outputs, api_name="ask")
    return page


def _shown(gradio: Any, sentence: str) -> Exception:
    """Return an error that the page shows, and the terminal does not."""
    error: Exception = gradio.Error(sentence, print_exception=False)
    return error


def _column(gradio: Any, listener: Listener) -> list[Any]:
    """Add what shows the answers of one checkpoint, and return the parts that change."""
    told = listener.trained
    gradio.Markdown(f"### {escape(str(told.checkpoint))}\n{escape(question_of(listener))}")
    return [
        gradio.Markdown(elem_classes="answer"),
        gradio.Label(label="Probabilities", visible=bool(told.options)),
        gradio.Plot(label="On Plutchik's wheel"),
        gradio.Textbox(label="Reasoning", lines=3),
        gradio.Plot(show_label=False),
        gradio.Dataframe(headers=["start", "end", "answer", "response"], label="Windows"),
    ]


def question_of(listener: Listener) -> str:
    """Return what is asked and how long a window is, as a line."""
    window = "" if listener.window is None else f" It hears {listener.window:g} s at a time."
    labels = ", ".join(listener.labels)
    return (f"It chooses from {labels}." if labels else "It answers in its own words.") + window


def parts_of(listener: Listener, path: Path) -> list[Any]:
    """Return what a column shows of a recording: one value a part of it."""
    answer = listener.predict(path)
    return [
        f"## {escape(answer.text) or 'The answer cannot be read.'}",
        dict(answer.probabilities) or None,
        draw_wheel(shares_of(answer)),
        answer.reason or "The model was not asked to think aloud.",
        draw_waveform(path, answer) if len(answer.segments) <= MOST_WINDOWS else None,
        [
            [round(each.start, 2), round(each.end, 2), _text(each.answer), each.response]
            for each in answer.segments
        ],
    ]


def shares_of(answer: Answer) -> dict[str, float]:
    """Return how much each word counts: its probability, or the share of windows that say it."""
    windows = len(answer.segments)
    return dict(answer.probabilities) or {w: n / windows for w, n in answer.words.items()}


def _text(answer: str | tuple[str, ...] | None) -> str:
    return answer if isinstance(answer, str) else ", ".join(answer or ()) or "unreadable"
