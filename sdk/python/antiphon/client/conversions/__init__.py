"""The contract's messages to the client's objects, and ids to texts: the one place where each is made."""
