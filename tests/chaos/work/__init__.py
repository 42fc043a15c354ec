"""What the SDK processes do: each role is a program that goes on until its standard input ends."""
