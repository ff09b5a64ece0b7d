"""The command line: `glassgrad train`, `evaluate`, `predict` …, one file each. Layer L11."""
