"""The check of sentence encoders: shares in order by hand and by scipy, and on a fake release."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tests.fakes.models import text_model
from tests.fakes.secap import write_secap

SCRIPT = Path(__file__).parents[2] / "tools" / "encoder_check.py"
TEXTS = ("充满愤怒", "她很生气", "十分愤怒地质问", "心情愉快", "语速很快")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("tools_encoder_check", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_are_alike_by_their_emotions_and_a_caption_without_any_is_in_none(tool):
    pairs = tool.pairs_of(TEXTS)
    assert pairs.same[0, 1] and not pairs.same[0, 0]
    assert pairs.other[0, 3] and pairs.other[3, 1]
    assert not pairs.same[4].any() and not pairs.other[:, 4].any() and not pairs.other[4].any()
    assert pairs.apart[0, 1] and not pairs.apart[0, 2]
    assert all((part == part.T).all() for part in pairs)


def test_the_share_in_order_is_the_statistic_of_mann_and_whitney(tool):
    random = np.random.default_rng(0)
    similar = random.integers(0, 5, (6, 12)).astype(float)  # ties too
    same = np.arange(72).reshape(6, 12) % 3 == 0
    other = ~same
    found = tool.in_order(similar, same, other)
    wanted = [
        mannwhitneyu(row[near], row[far]).statistic / (near.sum() * far.sum())
        for row, near, far in zip(similar, same, other, strict=True)
    ]
    np.testing.assert_allclose(found, wanted)


def test_a_similarity_that_knows_the_emotions_is_right_and_a_blind_one_is_at_chance(tool):
    pairs = tool.pairs_of(TEXTS[:4])
    knows = pairs.same.astype(float)
    assert tool.line("x", knows, pairs)[:4] == ("x", "4", "3", "1.000 (1.000-1.000)")
    assert tool.line("x", np.zeros((4, 4)), pairs)[3] == "0.500 (0.500-0.500)"


@pytest.mark.filterwarnings("ignore:.* clips, the release has")
def test_the_table_names_each_similarity_and_part(tool, tmp_path, capsys):
    write_secap(tmp_path)
    checkpoint = text_model(tmp_path / "sentences", "AutoModel")
    data = ["--data", "SECap", "--data.root", str(tmp_path), "--data.speaker_independent", "false"]
    assert tool.main([*data, "--checkpoint", str(checkpoint), "--layers", "1"]) == 0
    said = capsys.readouterr().out
    assert said.count("| ROUGE-L of characters |") == said.count("| 1 layers, R_emotion |") == 2
    assert "secap, held out" in said
    assert tool.main([*data, "--checkpoint", str(tmp_path / "none")]) == 1
    assert "none' is not there" in capsys.readouterr().err
