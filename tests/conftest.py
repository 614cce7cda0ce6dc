"""What all tests share."""

from hypothesis import settings

# The machines are shared and noisy: an example that took long says nothing about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
