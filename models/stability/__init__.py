"""How stable the first stages of networks are when an image is shifted or warped (equations 1.2.10 and 1.2.11)."""

from models.stability.measure import measure
from models.stability.stages import Stage, list_stages

__all__ = ["Stage", "list_stages", "measure"]
