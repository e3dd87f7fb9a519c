"""Weights: loaded, adapted, frozen, quantized, sharded, compiled, kept beside a reference."""
