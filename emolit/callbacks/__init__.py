"""What is written down while a task runs: predictions, reports, pictures, rollouts, progress."""
