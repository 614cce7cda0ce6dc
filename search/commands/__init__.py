"""One file per command: HELP, EXAMPLE, OPTIONS (each adds itself to a parser) and run(args)."""
