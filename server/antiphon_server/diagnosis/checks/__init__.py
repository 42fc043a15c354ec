"""What is looked at, one idea a file."""
