"""What is run: random matrices beside their laws, power laws fitted to them, nets trained and taken apart."""
