"""What codes of releases mean: the releases themselves say so."""

from emolit.commands.release_codes import code_of


def test_codes_mean_what_they_mean_in_the_release_that_has_most_of_them():
    assert code_of("W", ["W", "F", "A"]) == ("angry", "code of EMO-DB")
    assert code_of("A", ["A", "S", "U"]) == ("angry", "code of MSP-Podcast")
    assert code_of("fea", ["fea", "hap"]) == ("fear", "code of IEMOCAP, CREMA-D")
    assert code_of("05", ["05", "08"]) == ("angry", "code of RAVDESS")
    assert code_of("A", ["A", "N"]) == ("?", "fear in EMO-DB, angry in MSP-Podcast")
    assert code_of("hap", ["hap", "zzz"]) == ("?", "unknown")
    assert code_of("xxx", ["xxx"]) == ("?", "no agreement in IEMOCAP")
    assert code_of("W", ["W", "T", "F", "zz"]) == ("angry", "code of EMO-DB")
    assert code_of("zz", ["W", "T", "F", "zz"]) == ("?", "unknown")
