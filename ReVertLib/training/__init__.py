"""Training samples and the training loop."""
