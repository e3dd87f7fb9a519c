"""Sound and pictures in: files and containers decoded, voices measured."""
