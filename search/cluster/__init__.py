"""Ray: its session, resources, nodes, shared folders and what is left over."""
