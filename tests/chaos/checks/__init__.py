"""What must hold of the database and the journals once all is quiet: each check is a function that yields findings."""
