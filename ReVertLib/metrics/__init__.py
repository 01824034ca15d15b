"""How far a surface is from the truth."""
