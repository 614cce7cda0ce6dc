"""What several of the programs share: contenders, limits, pictures, options and the report."""
