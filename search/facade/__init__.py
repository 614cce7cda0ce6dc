"""What ``import invsearch`` is made of: calls that stand for commands, and a run folder as an object."""
