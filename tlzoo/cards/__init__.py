"""Model cards: vocabulary, schema, reader, catalogue, rendering."""
