"""glassgrad."""
