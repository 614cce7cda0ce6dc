"""Opening regular files only, writing whole files only, and files that carry their own checksum."""
