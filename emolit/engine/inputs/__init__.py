"""From questions, clips and replies to tensors, and back."""
