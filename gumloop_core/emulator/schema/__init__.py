"""JSON Schema: what may be sent, whether a value conforms, and how to fill one."""
