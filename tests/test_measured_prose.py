"""What docs/measured.md and README say between their tables is what the rows hold, and no more."""

import re

import pytest

from tests.figures import (
    PAGE,
    README,
    ROOT,
    against,
    by_seed,
    flat,
    gap,
    gaps,
    listed,
    of_arm,
    prose,
    rows,
    same,
    score,
)

SETTINGS = {
    "1e-4": "a learning rate",
    "5e-5": "a learning rate",
    "2 epochs": "a length of training",
    "6 epochs": "a length of training",
    "4 epochs": "a length of training",
    "1 epoch": "a length of training",
    "20 steps": "a length of training",
    "24 steps": "a length of training",
    "60 steps": "a length of training",
    "40 steps of 8 clips": "a length of training",
    "40 steps of 16 clips": "a length of training",
    "56 steps of 16 clips": "a length of training",
    "12 epochs": "a length of training",
    "3e-4": "a learning rate",
    "116 steps": "the length of a schedule",
    "first 2 layers": "what the model is made of",
    "first 4 layers": "what the model is made of",
    "fold 1": "which fold",
    "Fold 1": "which fold",
    "seed 0": "which seed",
    "seed 1": "which seed",
    "seed 2": "which seed",
    "seed 3": "which seed",
    "seeds 0, 1 and 2": "which seeds",
    "seeds 0 and 1": "which seeds",
    "Seeds 0, 1, 2": "which seeds",
    "seeds 0, 1, 2": "which seeds",
    "seeds 1, 2, 3": "which seeds",
    "seeds 1 and 2": "which seeds",
    "seeds 2 and 3": "which seeds",
    "Seeds 1, 2, 3": "which seeds",
    "128 clips each": "the size of a corpus",
    "13 to 26 clips": "the size of a corpus",
    "20 dB": "a level of noise",
    "10 dB": "a level of noise",
    "5 dB": "a level of noise",
    "0 dB": "a level of noise",
    "16 contributors": "the size of a corpus",
    "30 categories": "the size of a corpus",
    "95% interval": "the level of intervals",
    "7B models": "a size of models",
    "one constant word would score (0.277), and below two (0.323)": "of a table of measured.md",
}
"""Numbers that are no figures, with the words around them, and what they are."""


def kept(arm, start):
    """Count the folds of RAVDESS in which an arm ends with its start."""
    return sum(
        same(
            of_arm("emo_rl", arm, "ravdess", fold=fold),
            of_arm("emo_rl", start, "ravdess", fold=fold),
        )
        for fold in range(1, 7)
    )


def emo_rl():
    """Yield what the page says of EMO-RL between its tables."""
    (grpo,) = against("emo_rl", "grpo", "sft_continued", "ravdess")
    (maxrl,) = against("emo_rl", "grpo_maxrl", "sft_continued", "ravdess")
    (late,) = against("emo_rl", "saturated_maxrl", "saturated_sft_continued", "ravdess")
    pooled = of_arm("emo_rl", "sft", "ravdess")
    yield f"({pooled['n']:,} clips, {pooled['clusters']} actors, eight classes)"
    yield f"all {of_arm('emo_rl', 'sft', 'urdu')['clips']} clips of URDU"
    yield f"ahead of GRPO by {gap(grpo, -1)}".replace(" (", " on RAVDESS (")
    yield f"and of MaxRL by {gap(maxrl, -1)}."
    yield f"(p {grpo['randomization_p_holm']:.3f} and {maxrl['randomization_p_holm']:.3f})"
    yield f"MaxRL against the control: {gap(late)}."

    def ua(arm):
        return score("emo_rl", arm, "ravdess")

    yield f"The start has {ua('ir_sft')}."
    yield f"imitation comes to {ua('ir_sft_on')},"
    fallen = listed(map(ua, ("ir_grpo", "ir_grpo_binary", "ir_rft")))
    yield f"the three arms that learn from their own answers to {fallen}."
    yield f"({ua('eur_sft')} and {ua('esr_sft')}, without reasoning {ua('ir_sft')})"
    yield f"({ua('eur_grpo')} and {ua('esr_grpo')}, without {ua('ir_grpo')})"
    rates = (score("emo_rl", arm, "urdu", "parse_rate") for arm in ("eur_sft", "esr_sft"))
    yield f"(parse rates of {listed(rates)})"


def affectgpt_rl():
    """Yield what the page says of AffectGPT-RL between its tables."""
    file, p = "affectgpt_rl", "randomization_p"
    start = of_arm(file, "sft", "emogator")
    told = against(file, "grpo", "sft", "emogator")
    everything = [row for row in rows(file) if "versus" in row and row["corpus"] == "emogator"]
    yield f"({start['n']} clips, fold 1)"
    yield f"{told[0]['left_out']} clips, whose gold name is unknown to them, are left out"
    yield f"over its start on every seed, by {gaps(file, 'grpo', 'sft', 'emogator')},"
    yield f"ahead of the control by {gaps(file, 'grpo', 'sft_continued', 'emogator')}."
    yield f"(p {min(row[p] for row in everything):.3f} at the least)"
    words = [score(file, arm, "emogator", "exact_F1") for arm in ("sft", "grpo")]
    yield f"(exact F1 from {' to '.join(words)})"
    constant = of_arm(file, "think_grpo_length", "emogator")
    yield f"ends near {constant['sample_F1']:.3f}, what the one word"
    yield f"constant answer, {constant['sample_F1']:.3f} and {constant['exact_F1']:.3f}."
    emer = of_arm(file, "sft", "emer")
    yield f"{emer['n']} clips tested, where gold has {emer['gold_length']:.2f} words"
    yield f"of the start by {gaps(file, 'grpo', 'sft', 'emer')},"
    yield f"of the control by {gaps(file, 'grpo', 'sft_continued', 'emer')}; by clips"
    pairs = [against(file, "grpo", other, "emer") for other in ("sft", "sft_continued")]
    holm = [f"{row[0]['randomization_p_holm']:.3f}" for row in pairs]
    yield f"after Holm's correction (p {listed(holm)}), on seeds 1 and 2 it is not"
    yield f"gold has {emer['gold_length']:.2f} words. GRPO"
    lists = [score(file, arm, "emer", "length", 2, seed=2) for arm in ("sft", "grpo")]
    yield f"on seed 2 from {' to '.join(lists)}, and"
    yield f"they have {score(file, 'grpo_length', 'emer', 'length', 2)} words"


def emogator_learning():
    """Yield what the page says of longer starts, lists and constants."""
    file, corpus = "emogator_learning", "emogator"

    def f1(arm, key="sample_F1", **where):
        return score(file, arm, corpus, key, **where)

    def exact(arm, **where):
        return f1(arm, "exact_F1", **where)

    yield f"grpo has {f1('grpo', seed=2)}, more than list_3 ({f1('list_3')})"
    yield f"at an exact F1 of {exact('grpo', seed=2)}, where its start has {exact('sft', seed=2)}."
    yield f"imitation for as long: {gaps(file, 'grpo', 'sft_continued', corpus)}."
    yield f"chord is not: {gaps(file, 'chord', 'sft_continued', corpus)}."
    yield f"exact F1 goes from {exact('sft')} to {exact('grpo')}."
    yield f"GRPO gains on its start by {gaps(file, 'lists_grpo', 'lists_sft', corpus)},"
    yield f"against list_3 by {gaps(file, 'lists_grpo', 'list_3', corpus)}."
    yield f"exact F1 ({exact('lists_grpo')} against {exact('list_3')})."
    yield f"behind lists_grpo by {gaps(file, 'lists_chord', 'lists_grpo', corpus, -1)}."
    least = min(row["randomization_p"] for row in rows(file) if "versus" in row)
    yield f"significant (p {least:.3f} at the least)."


def mecap_r1():
    """Yield what the page says of MECap-R1 between its tables."""
    file = "mecap_r1"
    ahead = against(file, "grpo_emotion_space", "sft_continued", "secap")
    yield f"{of_arm(file, 'sft', 'secap')['n']} are tested"
    lead = listed(f"{-row['difference']:.3f}" for row in ahead)
    yield f"The control is ahead by {lead}, none"
    told = against(file, "long_grpo_words", "long_sft_continued", "secap")
    one, two, three = map(gap, told)
    two = two.replace(")", f"; Holm {told[1]['randomization_p_holm']:.3f})")
    yield f"against the control by seed {one}, {two} and {three}."


def secap_learning():
    """Yield what the page says of gold captions beside rewards."""
    file, corpus = "secap_learning", "secap"
    for arm in ("luffy", "chord"):
        control = gaps(file, arm, "sft_continued", corpus)
        grpo = gaps(file, arm, "grpo", corpus)
        yield f"{arm} is ahead of the control by {control}; of GRPO by {grpo}."
    yield f"they are made of {of_arm(file, 'luffy', corpus)['vocabulary']:.0f} characters."
    yield f"{of_arm(file, 'sft', corpus)['n']} clips do not make it sure."


def demo():
    """Yield what the page says of the demo below its table."""
    for corpus, name in (("synthetic", "Held-out speakers"), ("synthetic_shifted", "Never seen")):
        start = gaps("demo", "grpo", "sft", corpus)
        control = gaps("demo", "grpo", "sft_continued", corpus)
        yield f"{name}: GRPO against its start by seed {start}, against the control {control}."


def demo_learning():
    """Yield what the page says of the ways to learn below their table."""
    file, corpus = "demo_learning", "synthetic"
    for arm in ("chord", "hpt", "enumerated", "enumerated_log"):
        yield f"{arm} by {gaps(file, arm, 'grpo', corpus)}"
    for arm in ("hpt", "enumerated", "enumerated_log"):
        yield f"{arm} by {gaps(file, arm, 'sft_continued', corpus)}"


def ravdess_learning():
    """Yield what the page says of the ways to learn on RAVDESS below their table."""
    file, corpus = "ravdess_learning", "ravdess"
    for arm in ("chord", "hpt", "enumerated_log"):
        yield f"{arm} by {gaps(file, arm, 'grpo', corpus)}"
    yield f"for as long: chord by {gaps(file, 'chord', 'sft_continued', corpus)}."


def ravdess_imbalanced():
    """Yield what the pages say of rare labels."""
    file, corpus, base = "ravdess_imbalanced", "ravdess", "sft_balanced"
    rare = {arm: score(file, arm, corpus, "recall_rare") for arm in (base, *DRAWN_EVENLY)}
    told = [f"{rare[arm]} ({arm})" for arm in DRAWN_EVENLY]
    yield f"recalled at {listed(told)}, and at {rare[base]} by {base}"
    for arm in DRAWN_EVENLY:
        yield f"{arm} by {gaps(file, arm, base, corpus)}"
    frequent = [score(file, arm, corpus, "recall_frequent") for arm in (*DRAWN_EVENLY, base)]
    start = score(file, "sft", corpus, "recall_frequent")
    yield f"falls from {start} to between {min(frequent)} and {max(frequent)}"


DRAWN_EVENLY = ("grpo_balanced", "grpo_mixed", "enumerated_balanced")
ON_SIX_FOLDS = (
    "sft", "grpo", "grpo_maxrl", "sft_continued",
    "saturated_sft", "saturated_maxrl", "saturated_sft_continued",
)  # fmt: skip
"""Language models that heard all folds of RAVDESS."""


def with_interval(file, arm):
    """Say the UA on the pooled folds with its interval."""
    row = of_arm(file, arm, "ravdess")
    return f"{row['UA']:.3f} ({row['UA_low']:.3f}-{row['UA_high']:.3f})"


def ravdess_baselines():
    """Yield what the page says of baselines."""
    file, corpus = "ravdess_baselines", "ravdess"
    best = max(ON_SIX_FOLDS, key=lambda arm: of_arm("emo_rl", arm, corpus)["UA"])
    yield f"linear probe of the encoder has {with_interval(file, 'probe')}"
    yield f"{of_arm(file, 'probe', corpus)['clusters']} actors, each in one test"

    def lead(arm, versus):
        (row,) = against(file, arm, versus, corpus)
        return gap(row)

    for arm in (*MODELS, "functionals"):
        yield f"of {arm} by {lead('probe', arm)}"
    yield "By speakers p is below 0.002 for each"
    yield f"chord against grpo {lead('chord', 'grpo')},"
    yield f"against sft_continued {lead('chord', 'sft_continued')};"
    yield f"sft_continued against grpo {lead('sft_continued', 'grpo')}."
    yield f"trained language model [above] has {with_interval('emo_rl', best)}."


LEVELS = {level: f"-snr_{level}" for level in (20, 10, 5, 0)} | {None: ""}
TAILS = ("", ", options restricted")


def under_noise(corpus):
    """Return the pooled comparison of altered sound in training against none."""
    found = against("ravdess_robustness", "augmented", "plain", corpus)
    (row,) = (row for row in found if row["fold"] == "pooled")
    return row


def ravdess_robustness():
    """Yield what the page says of noise."""
    file, urdu = "ravdess_robustness", "urdu{}, options restricted"

    def falls(arm):
        return f"from {score(file, arm, 'ravdess')} to {score(file, arm, 'ravdess-snr_0')}"

    yield f"{of_arm(file, 'plain', 'ravdess')['clusters']} actors of RAVDESS"
    yield f"At 0 dB plain falls {falls('plain')}, augmented {falls('augmented')}."
    leads = [gap(under_noise(f"ravdess-snr_{level}")) for level in (20, 10, 5, 0)]
    at = [f"{lead} at {level} dB" for lead, level in zip(leads, (20, 10, 5, 0), strict=True)]
    clean = gap(under_noise("ravdess"))
    yield f"augmented is ahead by {listed(at)}; on clips as they are by {clean}."
    told = [
        f"{level} dB"
        for level in (20, 10, 5, 0)
        if under_noise(f"ravdess-snr_{level}")["randomization_p_holm"] < 0.05
    ]
    yield f"By speakers, after Holm's correction, that is significant at {listed(told)},"
    yield f"augmented is ahead by {gap(under_noise(urdu.format('')))} as it is"
    yield f"and by {gap(under_noise(urdu.format('-snr_0')))} at 0 dB."


def ravdess_reasoning():
    """Yield what the page says of policies that think."""
    file, corpus = "ravdess_reasoning", "ravdess"

    def from_start(arm):
        return gaps(file, arm, "eur_sft", corpus)

    start = of_arm(file, "eur_sft", corpus)
    yield f"({start['n']} clips of four speakers)"
    yield f"weighed_power by {from_start('eur_weighed_power')};"
    yield f"imitation by {from_start('eur_sft_on')}."
    yield f"GRPO by {from_start('eur_grpo')};"
    yield f"hints by {from_start('eur_hints')};"
    yield f"weighed by {from_start('eur_weighed')}."
    yield f"imitation by {gaps(file, 'eur_weighed_power', 'eur_sft_on', corpus)}."
    told = [row for row in rows(file) if "versus" in row and row["corpus"] == corpus]
    least = min(row["randomization_p"] for row in told)
    yield f"(p {least:.3f} at the least)"


THINKING = ("eur_sft_on", "eur_grpo", "eur_hints", "eur_weighed", "eur_weighed_power")
"""Ways to learn from thoughts."""
ON_SECAP = ("grpo", "chord", "luffy", "hpt", "sft_continued")
"""Ways to learn captions."""
MODELS = ("grpo", "chord", "sft_continued")
"""Ways to learn beside the baselines."""
SENTENCES = {
    "ravdess_imbalanced": ravdess_imbalanced,
    "ravdess_baselines": ravdess_baselines,
    "ravdess_robustness": ravdess_robustness,
    "ravdess_reasoning": ravdess_reasoning,
    "ravdess_learning": ravdess_learning,
    "emo_rl": emo_rl,
    "affectgpt_rl": affectgpt_rl,
    "emogator_learning": emogator_learning,
    "mecap_r1": mecap_r1,
    "secap_learning": secap_learning,
    "demo": demo,
    "demo_learning": demo_learning,
}


@pytest.mark.parametrize("file", list(SENTENCES))
def test_the_sentences_of_the_page_say_what_the_rows_hold(file):
    missing = [text for text in map(flat, SENTENCES[file]()) if text not in prose(PAGE)]
    assert not missing, "not on the page:\n" + "\n".join(missing)


NUMBER = re.compile(r"(?<![\w.,-])-?\d[\d,.]*(?:e-?\d+)?%?")


@pytest.mark.parametrize("text", [PAGE, README], ids=["measured.md", "README.md"])
def test_no_other_number_stands_there(text):
    """A figure in words between tables is one of a row, or a setting that is named above."""
    text = prose(text)
    told = [flat(said) for file in SENTENCES for said in SENTENCES[file]()]
    for known in (*told, *sorted(SETTINGS, key=len, reverse=True)):
        text = text.replace(known, " ")
    text = re.sub(r"`[^`]*`", "", text)
    assert NUMBER.findall(re.sub(r"(\d\.\d+)-(\d)", r"\1 \2", text)) == []


def test_the_probe_is_ahead_of_every_language_model_significantly_where_they_ran_together():
    file, corpus = "ravdess_baselines", "ravdess"
    probe = of_arm(file, "probe", corpus)
    others = [of_arm("emo_rl", arm, corpus) for arm in ON_SIX_FOLDS]
    models = [of_arm(file, arm, corpus) for arm in ("sft", *MODELS)]
    assert {row["n"] for row in (*others, *models)} == {probe["n"]}
    assert probe["UA"] > max(row["UA"] for row in (*others, *models))
    for arm in (*MODELS, "functionals"):
        (row,) = against(file, "probe", arm, corpus)
        assert row["difference_low"] > 0 and row["randomization_p_holm"] < 0.002


@pytest.mark.parametrize(
    ("arm", "versus"),
    [("grpo", "sft"), ("chord", "grpo"), ("sft_continued", "grpo"), ("chord", "sft_continued")],
)
def test_on_six_folds_no_way_to_learn_leads(arm, versus):
    (row,) = against("ravdess_baselines", arm, versus, "ravdess")
    assert row["difference_low"] < 0 < row["difference_high"]
    assert row["randomization_p_holm"] > 0.05


@pytest.mark.parametrize(("arm", "folds"), [("grpo", 5), ("sft_continued", 1), ("chord", 0)])
def test_on_six_folds_the_start_is_kept(arm, folds):
    runs = [of_arm("ravdess_baselines", arm, "ravdess", fold=fold) for fold in range(1, 7)]
    assert [bool(row.get("start")) for row in runs].count(True) == folds


def test_validation_keeps_the_start_in_as_many_folds_as_the_page_says():
    assert [kept("grpo", "sft"), kept("grpo_maxrl", "sft")] == [5, 3]
    late = [kept(f"saturated_{arm}", "saturated_sft") for arm in ("maxrl", "sft_continued")]
    assert late == [4, 3]


def test_the_control_is_ahead_by_mcnemar_and_not_by_speakers():
    for arm in ("grpo", "grpo_maxrl"):
        (row,) = against("emo_rl", arm, "sft_continued", "ravdess")
        assert row["McNemar_p_holm"] < 0.05 < row["randomization_p_holm"]


def test_reasoning_costs_the_starts_less_than_half_and_grpo_more():
    def ua(arm):
        return of_arm("emo_rl", arm, "ravdess")["UA"]

    for form in ("eur", "esr"):
        assert 0.5 < ua(f"{form}_sft") / ua("ir_sft") < 0.6
        assert ua(f"{form}_grpo") / ua("ir_grpo") < 0.5


def test_on_secap_no_mixture_leads_significantly_and_rewards_narrow_what_is_said():
    file, corpus = "secap_learning", "secap"
    assert all(row["randomization_p_holm"] > 0.05 for row in rows(file) if "versus" in row)

    def leads(arm, versus):
        return [row["difference"] > 0 for row in against(file, arm, versus, corpus)]

    assert leads("luffy", "sft_continued") == [True] * 3
    assert leads("hpt", "sft_continued") == leads("hpt", "grpo") == [True, False, False]
    mean = {arm: of_arm(file, arm, corpus) for arm in ("sft", *ON_SECAP)}
    shown = ("emotion_set_F1", "BLEU_4", "METEOR", "CIDEr_D", "Distinct_2", "vocabulary")
    lower = [key for key in shown if mean["chord"][key] <= mean["grpo"][key]]
    assert lower == ["METEOR"]
    for arm in ON_SECAP:
        imitates = arm == "sft_continued"
        assert (mean[arm]["Distinct_2"] > mean["sft"]["Distinct_2"]) == imitates
        rarer = mean[arm]["CIDEr_D"] > mean["sft"]["CIDEr_D"]
        assert rarer == (imitates or arm == "chord")
    for arm in ("chord", "luffy"):
        for other in ("grpo", "sft_continued"):
            assert mean[arm]["emotion_set_F1"] > mean[other]["emotion_set_F1"]


@pytest.mark.parametrize("corpus", ["emogator", "emer"])
@pytest.mark.parametrize("other", ["sft", "sft_continued"])
def test_grpo_is_ahead_on_every_seed(corpus, other):
    told = against("affectgpt_rl", "grpo", other, corpus)
    assert [row["difference"] > 0 for row in told] == [True] * 3
    significant = [row["randomization_p_holm"] < 0.05 for row in told]
    assert significant == [corpus == "emer", False, False]


@pytest.mark.parametrize("arm", ["chord", "hpt", "enumerated", "enumerated_log"])
def test_gold_replies_and_all_options_are_ahead_of_grpo_on_every_seed(arm):
    for corpus in ("synthetic", "synthetic_shifted"):
        told = against("demo_learning", arm, "grpo", corpus)
        assert [row["difference"] > 0 for row in told] == [True] * 3
    significant = {("chord", 0), ("enumerated", 1)}
    for row in against("demo_learning", arm, "grpo", "synthetic"):
        assert (row["randomization_p_holm"] < 0.05) == ((arm, row["seed"]) in significant)


@pytest.mark.parametrize(
    ("arm", "kept"),
    [
        *[("grpo", 2), ("luffy", 2), ("chord", 1), ("hpt", 1), ("enumerated", 1)],
        *[("enumerated_log", 1), ("sft_continued", 0)],
    ],
)
def test_on_ravdess_the_start_is_kept_and_no_arm_leads_significantly(arm, kept):
    runs = by_seed("ravdess_learning", arm, "ravdess")
    assert [bool(row.get("start")) for row in runs].count(True) == kept
    pairs = zip(runs, by_seed("ravdess_learning", "grpo", "ravdess"), strict=True)
    assert not all(row["UA"] > grpo["UA"] for row, grpo in pairs)
    for versus in ("grpo", "sft_continued"):
        for row in against("ravdess_learning", arm, versus, "ravdess"):
            assert row["randomization_p_holm"] > 0.05


@pytest.mark.parametrize("arm", DRAWN_EVENLY)
def test_rare_labels_are_recalled_as_by_imitation_that_draws_evenly(arm):
    file, corpus, base = "ravdess_imbalanced", "ravdess", "sft_balanced"
    ours, theirs = (of_arm(file, each, corpus)["recall_rare"] for each in (arm, base))
    assert ours >= theirs
    pairs = zip(by_seed(file, arm, corpus), by_seed(file, base, corpus), strict=True)
    ahead = sum(ours["recall_rare"] > theirs["recall_rare"] for ours, theirs in pairs)
    assert ahead >= 2
    for row in against(file, arm, base, corpus):
        assert row["randomization_p_holm"] > 0.05


def test_plain_grpo_neglects_rare_labels():
    file, corpus = "ravdess_imbalanced", "ravdess"
    runs = by_seed(file, "grpo", corpus)
    assert [bool(row.get("start")) for row in runs].count(True) == 2
    for ours, theirs in zip(runs, by_seed(file, "sft_balanced", corpus), strict=True):
        assert ours["UA"] < theirs["UA"] and ours["recall_rare"] < theirs["recall_rare"]


def test_what_choosing_says_of_rare_labels_is_in_the_rows():
    page = flat((ROOT / "docs" / "choosing.md").read_text())
    recall = {
        arm: score("ravdess_imbalanced", f"grpo{arm}", "ravdess", "recall_rare")
        for arm in ("", "_balanced", "_weighted", "_focal")
    }
    assert f"recalls them at {recall['_balanced']}, and at {recall['']} without" in page
    assert f"`label_balance` ({recall['_weighted']})" in page
    assert f"`Focal` alone ({recall['_focal']})" in page


def test_on_ravdess_all_ways_are_compared_with_both():
    told = [row for row in rows("ravdess_learning") if "versus" in row]
    assert len([row for row in told if row["corpus"] == "ravdess"]) == 5 * 2 * 3


def test_on_ravdess_imitation_and_chord_have_the_highest_means():
    arms = ("grpo", "luffy", "chord", "hpt", "enumerated", "enumerated_log", "sft_continued")
    ranked = sorted(arms, key=lambda arm: -of_arm("ravdess_learning", arm, "ravdess")["UA"])
    assert ranked[:2] == ["sft_continued", "chord"]


@pytest.mark.parametrize("arm", ["luffy", "chord", "hpt", "enumerated", "enumerated_log"])
def test_imitation_is_ahead_on_two_seeds_and_in_the_mean(arm):
    told = against("demo_learning", arm, "sft_continued", "synthetic")
    ahead = [row["difference"] < 0 for row in told]
    assert ahead[0] and ahead[2] and ahead[1] == (arm == "luffy")
    assert sum(row["difference"] for row in told) < 0


def test_lists_are_as_long_as_the_page_says():
    lengths = {arm: by_seed("affectgpt_rl", arm, "emogator") for arm in ("grpo", "grpo_length")}
    assert list(map(same, *lengths.values())) == [False, True, True]
    assert {row["length"] for row in lengths["grpo"]} == {1}
    for seed in (0, 1, 2):
        away = {
            row["arm"]: abs(row["length"] - row["gold_length"])
            for row in rows("affectgpt_rl")
            if "versus" not in row and (row["corpus"], row["seed"]) == ("emer", seed)
        }
        assert min(away, key=away.get) == "sft_continued"


@pytest.mark.parametrize(
    ("arm", "start", "seeds"),
    [
        ("grpo_emotion_space", "sft", [1, 2, 3]),
        ("grpo_caption_overlap", "sft", [1, 3]),
        ("sft_continued", "sft", []),
        ("long_grpo_words", "long_sft", []),
        ("long_sft_continued", "long_sft", [2]),
    ],
)
def test_captions_are_those_of_the_start_on_the_seeds_that_the_page_names(arm, start, seeds):
    pairs = zip(by_seed("mecap_r1", arm, "secap"), by_seed("mecap_r1", start, "secap"), strict=True)
    assert [row["seed"] for row, other in pairs if same(row, other)] == seeds


def test_no_difference_of_captions_is_significant_and_the_control_varies_more_on_two_seeds():
    told = [row for row in rows("mecap_r1") if "versus" in row]
    assert min(row["randomization_p_holm"] for row in told) > 0.05
    control, start = (by_seed("mecap_r1", arm, "secap") for arm in ("sft_continued", "sft"))
    gained = [a["Distinct_2"] - b["Distinct_2"] for a, b in zip(control, start, strict=True)]
    assert [value > 0 for value in gained] == [False, True, True]


def test_with_the_length_penalty_thinking_ends_with_the_scores_of_one_word():
    """That of "serenity" is computed in tests/corpora/test_emo_gator.py, and stands in README."""
    row = of_arm("affectgpt_rl", "think_grpo_length", "emogator")
    assert row["sample_F1"] == pytest.approx(7.2 / 26, abs=1e-6)
    assert row["exact_F1"] == pytest.approx(1 / 30)


def test_imitation_is_the_stronger_teacher_as_the_readme_says():
    """Where the label is the whole answer: on RAVDESS, and in the demo."""
    for file, corpus in (("emo_rl", "ravdess"), ("demo", "synthetic")):
        control, grpo = (of_arm(file, arm, corpus)["UA"] for arm in ("sft_continued", "grpo"))
        assert control > grpo


def test_on_emogator_no_arm_beats_the_best_list_and_keeps_its_exact_words():
    file, corpus = "emogator_learning", "emogator"
    starts = {"grpo": "sft", "chord": "sft", "sft_continued": "sft"}
    starts |= {f"lists_{arm}": f"lists_{start}" for arm, start in starts.items()}
    best = of_arm(file, "list_3", corpus)["sample_F1"]
    ahead = []
    for arm, start in starts.items():
        assert of_arm(file, arm, corpus)["sample_F1"] < best
        for row, first in zip(
            by_seed(file, arm, corpus), by_seed(file, start, corpus), strict=True
        ):
            if row["sample_F1"] > best and row["exact_F1"] >= first["exact_F1"]:
                ahead.append((arm, row["seed"]))
    assert ahead == [("grpo", 2)]
    word = of_arm(file, "list_1", corpus)["sample_F1"]
    assert all(row["sample_F1"] > word for row in by_seed(file, "grpo", corpus))
    kept = [bool(row.get("start")) for row in by_seed(file, "grpo", corpus)]
    assert kept == [True, False, False]
    assert all(row["randomization_p_holm"] > 0.05 for row in rows(file) if "versus" in row)


def test_noise_is_significant_nowhere_else():
    places = ["ravdess", *(f"urdu{level}{tail}" for level in LEVELS.values() for tail in TAILS)]
    for place in places:
        assert under_noise(place)["randomization_p_holm"] > 0.05, place


def test_altered_sound_costs_on_clean_clips_by_clips_and_not_by_speakers():
    clean = under_noise("ravdess")
    assert clean["difference_high"] < 0 and clean["McNemar_p_holm"] < 0.05
    assert clean["randomization_p_holm"] > 0.05


def test_policies_that_think_stand_to_their_start_as_the_page_says():
    file, corpus = "ravdess_reasoning", "ravdess"
    start = of_arm(file, "eur_sft", corpus)["UA"]
    means = {arm: of_arm(file, arm, corpus)["UA"] - start for arm in THINKING}
    assert {arm for arm, gained in means.items() if gained > 0} == {
        "eur_sft_on",
        "eur_weighed_power",
    }
    told = against(file, "eur_weighed", "eur_sft", corpus)
    assert sum(row["difference_high"] < 0 for row in told) == 2
    assert all(row["randomization_p_holm"] > 0.05 for row in rows(file) if "versus" in row)
