"""From a download to a checked cache: archives, fetching, verification and decoding."""
