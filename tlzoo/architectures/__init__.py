"""Plain modules for papers that no kept library ships, each with the loader of its official checkpoint."""
