"""The training of one trial, which knows nothing of Ray."""
