"""What a process holds is told by Linux."""

import mmap

import pytest

from tools.bench.memory import memory_mib, reset_peak


def test_the_peak_remembers_what_was_given_back_until_it_is_reset():
    reset_peak()
    before = memory_mib("VmRSS")
    block = mmap.mmap(-1, 64 << 20)
    block.write(bytes(1) * (64 << 20))
    block.close()
    assert memory_mib("VmHWM") - before > 60
    assert memory_mib("VmRSS") - before < 100
    reset_peak()
    assert memory_mib("VmHWM") - memory_mib("VmRSS") < 4


def test_a_figure_that_linux_does_not_tell_is_refused():
    with pytest.raises(SystemExit, match="does not tell VmNone"):
        memory_mib("VmNone")
