"""Frozen towers, heard once; windows no longer than the clips."""
