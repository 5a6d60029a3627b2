"""Codecs and arithmetic of media: bytes in, arrays out, and back."""
