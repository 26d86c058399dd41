"""What is run: random encoder-decoders and arrangements, and denoisers with and without skips."""
