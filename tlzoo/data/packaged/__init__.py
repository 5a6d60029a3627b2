"""Real data that installed or fetched packages carry."""
