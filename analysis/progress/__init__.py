"""How far a run is, and when it will end."""
