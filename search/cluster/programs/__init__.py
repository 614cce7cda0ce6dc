"""Small programs in place of some that Ray starts on this machine; each is run by its path and knows no Ray."""
