"""Every figure in the tables of README and docs/measured.md is that of a row of docs/results."""

import re

import pytest

from tests.figures import PAGE, README, ROOT, by_seed, forms, same

COLUMNS = {
    "synthetic, held-out speakers": ("demo", "synthetic", "UA"),
    "synthetic_shifted, never seen": ("demo", "synthetic_shifted", "UA"),
    "way to learn: held-out speakers": ("demo_learning", "synthetic", "UA"),
    "way to learn: never seen": ("demo_learning", "synthetic_shifted", "UA"),
    "four held-out speakers": ("ravdess_learning", "ravdess", "UA"),
    "URDU, eight options": ("ravdess_learning", "urdu", "UA"),
    "thinking: UA on held-out speakers": ("ravdess_reasoning", "ravdess", "UA"),
    "rare labels: UA": ("ravdess_imbalanced", "ravdess", "UA"),
    "rare labels: recall of the six rare": ("ravdess_imbalanced", "ravdess", "recall_rare"),
    "rare labels: recall of the two frequent": (
        "ravdess_imbalanced", "ravdess", "recall_frequent",
    ),
    "RAVDESS": ("emo_rl", "ravdess", "UA"),
    "baseline or model: six folds, pooled": ("ravdess_baselines", "ravdess", "UA"),
    "URDU, never seen": ("emo_rl", "urdu", "UA"),
    "URDU, options restricted": ("emo_rl", "urdu, options restricted", "UA"),
    "EmoGator: sample F1": ("affectgpt_rl", "emogator", "sample_F1"),
    "EmoGator: exact F1": ("affectgpt_rl", "emogator", "exact_F1"),
    "EmoGator: words an answer": ("affectgpt_rl", "emogator", "length"),
    "EmoGator again: sample F1": ("emogator_learning", "emogator", "sample_F1"),
    "EmoGator again: exact F1": ("emogator_learning", "emogator", "exact_F1"),
    "EmoGator again: words an answer": ("emogator_learning", "emogator", "length"),
    "EMER: sample F1": ("affectgpt_rl", "emer", "sample_F1"),
    "EMER: exact F1": ("affectgpt_rl", "emer", "exact_F1"),
    "EMER: words an answer": ("affectgpt_rl", "emer", "length"),
    "SECap: emotion-set F1 (ours)": ("mecap_r1", "secap", "emotion_set_F1"),
    "SECap: BLEU-4": ("mecap_r1", "secap", "BLEU_4"),
    "SECap: METEOR": ("mecap_r1", "secap", "METEOR"),
    "SECap: ROUGE-L": ("mecap_r1", "secap", "ROUGE_L"),
    "SECap: CIDEr-D": ("mecap_r1", "secap", "CIDEr_D"),
    "SECap: Distinct-2": ("mecap_r1", "secap", "Distinct_2"),
    "SECap: vocabulary": ("mecap_r1", "secap", "vocabulary"),
}  # fmt: skip
"""Column of a table to file, corpus and key of a row."""
COLUMNS |= {
    name.replace("SECap:", "way to learn on SECap:"): ("secap_learning", *place[1:])
    for name, place in COLUMNS.items()
    if name.startswith("SECap:")
}
LEVELS = {"as it is": ""} | {f"{level} dB": f"-snr_{level}" for level in (20, 10, 5, 0)}
TITLES = {
    "RAVDESS under noise": "ravdess{}",
    "URDU under noise, options restricted": "urdu{}, options restricted",
}
COLUMNS |= {
    f"{title}: {name}": ("ravdess_robustness", corpus.format(level), "UA")
    for title, corpus in TITLES.items()
    for name, level in LEVELS.items()
}
SUMMARY = {
    "UA, synthetic, held-out speakers, two seeds": (
        "demo", "synthetic", "UA", ("sft", "grpo", "sft_continued"),
    ),
    "UA, RAVDESS, six folds": ("emo_rl", "ravdess", "UA", ("sft", "grpo", "sft_continued")),
    "the same; MaxRL": (
        "emo_rl", "ravdess", "UA",
        ("saturated_sft", "saturated_maxrl", "saturated_sft_continued"),
    ),
    "sample F1, EmoGator, fold 1, three seeds": (
        "affectgpt_rl", "emogator", "sample_F1", ("sft", "grpo", "sft_continued"),
    ),
    "sample F1, EMER (text alone), fold 1, three seeds": (
        "affectgpt_rl", "emer", "sample_F1", ("sft", "grpo", "sft_continued"),
    ),
    "emotion-set F1, SECap, fold 1, three seeds": (
        "mecap_r1", "secap", "emotion_set_F1", ("sft", "grpo_emotion_space", "sft_continued"),
    ),
}  # fmt: skip
"""Score of a row of README to file, corpus and key, and the arms of its three figures."""


def tables(text):
    """Yield header and rows of each table."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        yield lines[0], lines[2:]


def cells():
    for header, lines in tables(PAGE):
        for line in lines:
            arm = re.match(r"\w+", line[0])[0]
            for name, told in zip(header[1:], line[1:], strict=True):
                place = COLUMNS.get(name) or COLUMNS[f"{header[0]}: {name}"]
                yield pytest.param(place, arm, told, id=f"{place[1]} {arm} {place[2]}")


CELLS = list(cells())


def test_there_are_figures_to_look_up():
    assert len(CELLS) > 120
    assert len(list(tables(README))) == 1


@pytest.mark.parametrize(("place", "arm", "told"), CELLS)
def test_a_figure_of_a_table_is_that_of_its_row(place, arm, told):
    file, corpus, key = place
    assert told in forms(file, arm, corpus, key)


@pytest.mark.parametrize("line", next(tables(README))[1], ids=lambda line: line[1])
def test_a_figure_of_the_readme_is_that_of_its_row(line):
    file, corpus, key, arms = SUMMARY[line[1]]
    for arm, told in zip(arms, line[2:], strict=True):
        if told == "keeps the start":
            assert all(map(same, by_seed(file, arm, corpus), by_seed(file, arms[0], corpus)))
        else:
            assert told in forms(file, arm, corpus, key)


def test_rows_name_files_as_one_types_them_in_a_clone():
    for path in (ROOT / "docs" / "results").glob("*.json"):
        assert not re.search(r"[ '=](/\w|[A-Z]:)", path.read_text()), path.name
