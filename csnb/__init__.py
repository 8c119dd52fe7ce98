"""csnb."""
