"""One file a command: HELP, EXAMPLE, OPTIONS, each of which adds itself to a parser, and run(args)."""
