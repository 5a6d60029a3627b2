"""Real data that packages carry, or that were published as files."""
