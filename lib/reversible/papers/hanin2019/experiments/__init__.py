"""What is run: random nets cut by lines and planes, a net that folds, nets in training."""
