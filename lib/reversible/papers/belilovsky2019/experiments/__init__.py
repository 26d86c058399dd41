"""What is run: starts and risks of layers, errors that grow, dense nets and convolutions, greedily and end to end."""
