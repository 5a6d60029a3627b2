"""Sources of data: rendered, packaged, a folder, the Hub; all become three splits in a task's features."""
