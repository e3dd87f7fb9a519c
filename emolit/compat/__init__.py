"""What emolit relies on beyond the promises of other libraries: one file a library.

Whatever is private, undocumented, or has changed between releases stands here and nowhere else.
Each entry says what it relies on. A contract test in ``tests/compat`` holds it against the
installed release; its failure names the library and the version.
"""
