"""What of scikit-image needs torch's own operations; the rest of it is portable."""
