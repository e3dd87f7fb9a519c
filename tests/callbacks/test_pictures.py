from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from matplotlib import image

from emolit.callbacks.pictures import Pictures, confusion_picture
from emolit.types import Clip
from tests.callbacks.tiny import LABELS, Loader, Told, batch_of, events, trainer

COUNTS = torch.tensor([[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]])


def test_cells_show_counts_and_shares_and_unreadable_is_the_last_column():
    axes = confusion_picture(COUNTS, LABELS, "test/one").axes[0]
    texts = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert texts[0, 0] == "3\n75%"
    assert texts[2, 3] == "1\n50%"
    assert [texts[1, column] for column in range(4)] == ["-"] * 4
    assert [label.get_text() for label in axes.get_xticklabels()] == [*LABELS, "unreadable"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LABELS)
    colors = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(colors[0], [0.75, 0.25, 0, 0])
    assert np.isnan(colors[1]).all()


def test_each_corpus_has_a_picture_after_validation_and_test(tmp_path: Path):
    replies = {"a": ("sad", "sad"), "b": ("?", None)}
    loader = Loader(
        batch_of(Clip("a", "one", "a.wav", "sad"), Clip("b", "two", "b.wav", "angry")),
    )
    run = trainer(tmp_path, Pictures())
    module = Told(replies, ("one", "two"))
    run.fit(module, loader, loader)
    run.test(module, loader)
    board = events(tmp_path)
    tags = {f"{stage}/{corpus}/confusion" for stage in ("val", "test") for corpus in ("one", "two")}
    assert set(board.Tags()["images"]) == tags
    for tag in tags:
        pictures = board.Images(tag)
        assert [picture.step for picture in pictures] == [1]
        pixels = image.imread(BytesIO(pictures[0].encoded_image_string), format="png")
        assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 10


def test_no_logger_means_no_picture_and_no_error(tmp_path: Path):
    loader = Loader(batch_of(Clip("a", "one", "a.wav", "sad")))
    trainer(tmp_path, Pictures(), logger=False).test(Told({"a": ("sad", "sad")}), loader)
    assert not (tmp_path / "board").exists()
