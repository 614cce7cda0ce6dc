"""Figures drawn: ``screen`` for the page (plotly), ``paper`` for files (matplotlib), one look for both in ``theme``."""
