"""What the theorems say as code: paths between nets, and the net of one unit in closed form."""
