"""What is run: lengths in plain nets, moments with depth, residual nets, one layer, nets in training."""
