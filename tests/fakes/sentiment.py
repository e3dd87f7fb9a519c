"""Tiny releases of CMU-MOSI, CMU-MOSEI and CH-SIMS: tables as published, a tone in every file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fakes.listing import write_tone
from tests.fakes.mer import write_archive, write_rows

MODES = ("train", "valid", "test")
MOSI = {
    "train": ("03bSnISJMiM", "-1x_2u3"), "valid": ("_dI--eQ6qVU",), "test": ("208416",),
}  # fmt: skip
"""Videos by part; ids begin with signs or look like numbers."""
CUTS = 3
SAID = ("我不想嫁给李茶", "ANYHOW IT WAS REALLY GOOD")
LETTERS = ("label", "label_T", "label_A", "label_V")


def sims_parts() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return cuts by part; every video stands in all parts, as it nearly does in the release."""
    videos = [f"video_{number:04d}" for number in range(1, 11)]
    return {
        mode: tuple((video, f"{3 * n + 1:04d}") for video in videos) for n, mode in enumerate(MODES)
    }


def mosi_parts() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return cuts by part; no video in two."""
    return {
        mode: tuple((video, str(n)) for video in videos for n in range(CUTS))
        for mode, videos in MOSI.items()
    }


Parts = Mapping[str, Sequence[tuple[str, str]]]


def scores(place: int) -> tuple[float, ...]:
    """Return what raters gave for the whole, text, audio and picture of a cut."""
    return tuple(round(0.2 * (place % 5) - 0.4 + shift, 1) for shift in (0.0, 0.2, 0.4, 0.6))


def write_labels(table: Path, parts: Parts, padded: bool = True) -> Path:
    """Write the packing with one table; without padding as a csv program leaves it."""
    cuts = [(mode, *cut) for mode, listed in parts.items() for cut in listed]
    rows = [
        (video, n if padded else int(n), SAID[0], *scores(i), "Positive", mode)
        for i, (mode, video, n) in enumerate(cuts)
    ]
    header = ("video_id", "clip_id", "text", *LETTERS, "annotation", "mode")
    return write_rows(table, header, rows)


def write_merbench(folder: Path, parts: Parts) -> None:
    """Write MERBench's archive and transcripts."""
    cuts = [(mode, f"{video}_{n}") for mode, listed in parts.items() for video, n in listed]
    labels: dict[str, dict[str, tuple[object, float]]] = {"train": {}, "val": {}, "test": {}}
    for place, (mode, name) in enumerate(cuts):
        labels["val" if mode == "valid" else mode][name] = (0, scores(place)[0])
    write_archive(folder / "label.npz", labels)
    rows = [(name, *SAID) for _, name in cuts]
    table = folder / "transcription-engchi-polish.csv"
    write_rows(table, ("name", "chinese", "english"), rows)


def write_metadata(folder: Path, parts: Parts) -> None:
    """Write the tables of CH-SIMS itself: labels by sense, parts as row numbers."""
    cuts = sorted((video, n, mode) for mode, listed in parts.items() for video, n in listed)
    for letter, place in (("M", 0), ("T", 1), ("A", 2), ("V", 3)):
        rows = [(video, n, scores(i)[place]) for i, (video, n, _) in enumerate(cuts)]
        table = folder / "metadata" / "sentiment" / f"label_{letter}.csv"
        write_rows(table, ("video_id", "clip_id", "label"), rows)
    for mode in MODES:
        places = [(i,) for i, (_, _, own) in enumerate(cuts) if own == mode]
        name = "val" if mode == "valid" else mode
        write_rows(folder / "metadata" / f"{name}_index.csv", ("index",), places)
    translated = [(video, n, *SAID) for video, n, _ in cuts]
    header = ("video_id", "clip_id", "Chinese", "English")
    write_rows(folder / "metadata" / "Translation.csv", header, translated)


def write_cuts(folder: Path, parts: Parts) -> None:
    """Write a file a cut, ``<video>/<n>.wav``."""
    for listed in parts.values():
        for video, n in listed:
            write_tone(folder / video / f"{n}.wav")


def write_whole(folder: Path, parts: Parts) -> None:
    """Write a whole recording a video, and the lines that cut it into pieces of 0.25 s."""
    for video in dict.fromkeys(video for listed in parts.values() for video, _ in listed):
        write_tone(folder / "Audio" / "Full" / "WAV_16000" / f"{video}.wav", CUTS * 0.25)
        lines = [f"{video}___{n}___{0.25 * n}___{0.25 * (n + 1)}___it's ___ok" for n in range(CUTS)]
        file = folder / "Transcript" / "Segmented" / "Combined" / f"{video}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
