"""Side-by-side measurements: each program times all contenders in one run and prints their ratios first."""
