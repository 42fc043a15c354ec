"""What a database of millions of task runs takes and how fast it is: `scripts/scale`, whose figures are in
docs/scale.md."""
