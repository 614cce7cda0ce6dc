"""The numbers that the chapter published."""
