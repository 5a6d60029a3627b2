"""Data in one piece: archives, and data sets as ``datasets`` saves them."""
