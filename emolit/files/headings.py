"""Names of columns: what to do where one is missing, or stands there under another name."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "strokes", "\uff0c": "full-width commas",
              ",": "commas"}  # fmt: skip
"""What may separate fields in place of what should."""
ALIASES: Mapping[str, tuple[str, ...]] = {
    "path": ("audio", "audiopath", "audiofile", "audiofilepath", "file", "filename", "filepath",
             "recording", "wav", "wavpath"),
    "label": ("emotion", "emo", "emotionlabel", "emoclass", "class", "category", "target"),
    "speaker": ("speakerid", "spk", "spkid", "speakername", "actor", "actorid", "person",
                "personid", "subject", "subjectid", "participant", "who"),
    "split": ("subset", "partition", "set"),
    "transcript": ("transcription", "sentence", "utterance", "text", "rawtext"),
    "openset": ("emotions", "emotionwords", "words"),
    "start": ("starttime", "startsec", "startseconds", "starts", "tstart", "begin", "begintime",
              "onset", "offset"),
    "end": ("endtime", "endsec", "endseconds", "ends", "tend", "stop", "stoptime"),
}  # fmt: skip
"""Names that other tools give to columns, as `plain` writes them."""


def plain(name: str) -> str:
    """Return a name without case, blanks and marks.

    Example:
        >>> plain(" Start_Time")
        'starttime'
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def find_renamed(wanted: str, present: Collection[str]) -> str | None:
    """Return the column that holds what is wanted under another name; None if none seems to.

    Example:
        >>> find_renamed("path", ["ID", "File_Name"]), find_renamed("label", ["id"])
        ('File_Name', None)
    """
    names = (wanted, *ALIASES.get(wanted, ()))
    order = {plain(name): name for name in reversed([*present]) if name != wanted}
    return next((order[name] for name in map(plain, names) if name in order), None)


def next_step(missing: str, present: Sequence[str], delimiter: str | None) -> str:
    """Return what to do about a column that is missing.

    Args:
        missing: Its name.
        present: The columns that are there.
        delimiter: What should separate fields; None where nothing does.
    """
    if delimiter is not None and re.match("sep=", "".join(present)):
        return "Remove this line, which only a spreadsheet understands."
    if delimiter is not None and len(present) == 1:
        other = next((sign for sign in SEPARATORS if sign in present[0] and sign != delimiter), "")
        if other:
            return f"Separate the fields by {SEPARATORS[delimiter]}, not by {SEPARATORS[other]}."
    other = find_renamed(missing, present) or ""
    if other:
        return f"Rename {other!r} to {missing!r}."
    if any(PurePath(name).suffix[1:].isalnum() and "." in name for name in present):
        return "Write the names of the columns into the first row."
    return f"Add it, or rename the column that holds it to {missing!r}."
