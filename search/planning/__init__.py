"""What a command is about to do, and what it would take."""
