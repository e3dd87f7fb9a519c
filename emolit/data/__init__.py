"""From a release to batches: rows, folds, audits, order, loading."""
