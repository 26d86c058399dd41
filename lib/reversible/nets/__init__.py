"""A net as a list of layers, sent up, and down again by its transposed weights or by controls."""
