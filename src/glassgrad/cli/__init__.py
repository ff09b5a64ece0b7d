"""The command line: `glassgrad train evaluate predict gradcheck canon doctor`. Layer L11."""
