"""Opening regular files only, and files that carry their own checksum."""
