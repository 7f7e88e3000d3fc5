"""scikit-learn on tensors where torch has quicker ways than the portable estimators."""
