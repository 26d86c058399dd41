"""What is run: noise in quadratics, growth of the ratio, a net with one hidden layer, a loss in a plane, small nets."""
