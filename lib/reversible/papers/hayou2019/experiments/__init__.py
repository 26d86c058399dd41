"""What is run: the maps of wide nets, nets of finite width beside them, and deep nets in training."""
