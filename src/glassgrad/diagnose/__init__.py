"""Verdicts about networks and about backward passes written by hand."""
