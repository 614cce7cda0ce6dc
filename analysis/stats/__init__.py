"""Statistics over seeds and trials."""
