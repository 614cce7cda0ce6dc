"""The live page of a run that goes on."""
