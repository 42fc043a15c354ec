"""What the client takes and gives: objects, filters, sorts, actions and answers."""
