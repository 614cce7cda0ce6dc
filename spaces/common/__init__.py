"""What every package needs: errors, looking a name up, wording, fields of a dictionary."""
