"""One file a command: NAME, HELP, EXAMPLE, configure(parser) and run(args)."""
