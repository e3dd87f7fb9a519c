"""Models and servers that judge what a policy says."""
