"""What is run: preimages counted, methods compared over the size of the weights, nets for digits sent backwards."""
