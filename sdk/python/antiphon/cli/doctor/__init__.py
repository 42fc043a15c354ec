"""`antiphon server doctor`: what is looked at on this side of the line, and how all that was found is told."""
