"""A request written: messages, tools, schemas and options in, the body out. No I/O."""
