"""The command line: `glassgrad train evaluate predict gradcheck grade canon doctor`. Layer L11."""
