"""A request sent: where to, with what, over which connection, and what may be tried again."""
